"""What a machine of the cluster keeps on its own disk during a run: inputs, models, what is under way.

All of it lies in a folder of the run, which its driver has removed at the end.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rtseg.errors import SinkError, SourceError
from rtseg.fleet.storage import Store

_MOST_CLIPS = 4
_DISK_PER_INPUT = 3
"""Input, its parts and its result are on the disk at once at the end of a split clip."""


def is_run(name: object) -> bool:
    """Whether this may be the name of a run: what was read from storage becomes no path otherwise."""
    return isinstance(name, str) and re.fullmatch("[0-9a-f]{16}", name) is not None


def run_folder(run: str) -> Path:
    """Of a run, by its name, which nobody can guess; made if there is none."""
    folder = Path(tempfile.gettempdir()) / f"rtseg-fleet-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def forget(run: str) -> None:
    """Remove everything of a run."""
    shutil.rmtree(run_folder(run), ignore_errors=True)


@contextmanager
def scratch(run: str) -> Iterator[Path]:
    """A folder for what a task makes, gone at its end."""
    with tempfile.TemporaryDirectory(dir=run_folder(run)) as name:
        yield Path(name)


def kept_model(run: str, name: str, files: Mapping[str, bytes]) -> Path:
    """A model that came with the run, written once for all processes of this machine."""
    folder = run_folder(run) / "model"
    with _lock(run_folder(run) / "model.lock", fcntl.LOCK_EX):
        if not folder.exists():
            part = folder.with_name("model.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for file, data in files.items():
                (part / Path(file).name).write_bytes(data)
            part.rename(folder)
    return folder / name if name else folder


@contextmanager
def fetched(run: str, store: Store, name: str, size: int) -> Iterator[Path]:
    """An input on this machine's disk, fetched once for all processes here, and again if it is lost.

    It is called as it is there. Raises SourceError, SinkError.
    """
    inputs = run_folder(run) / "inputs"
    inputs.mkdir(exist_ok=True)
    digest = hashlib.sha256(f"{store.url}/{name}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    folder, lock = inputs / digest, inputs / f"{digest}.lock"
    path = folder / Path(name).name
    while True:
        with _lock(lock, fcntl.LOCK_EX):
            folder.mkdir(exist_ok=True)
            if not path.exists() or path.stat().st_size != size:
                _make_room(inputs, size, folder)
                _fetch(store, name, size, path)
        with _lock(lock, fcntl.LOCK_SH):
            if path.exists():  # else somebody has just made room
                os.utime(folder)
                yield path
                return


def _fetch(store: Store, name: str, size: int, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    store.fetch(name, part)
    if part.stat().st_size != size:
        part.unlink()
        raise SourceError(f"{store.called(name)}: has changed while it was read; run again when it is whole")
    part.replace(path)


def _make_room(inputs: Path, size: int, wanted: Path) -> None:
    """Remove inputs that nobody uses, the oldest first. Raises SinkError where that is not enough."""
    others = [path for path in inputs.iterdir() if path.is_dir() and path != wanted]
    others.sort(key=lambda path: path.stat().st_mtime)
    left = len(others)
    for folder in others:
        if left < _MOST_CLIPS and shutil.disk_usage(inputs).free > _DISK_PER_INPUT * size:
            return
        with suppress(BlockingIOError), _lock(inputs / f"{folder.name}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
            left -= 1
    if shutil.disk_usage(inputs).free < size:
        raise SinkError(f"{inputs}: has no room for an input of {size >> 20} MiB; give TMPDIR a larger disk")


@contextmanager
def _lock(path: Path, how: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
