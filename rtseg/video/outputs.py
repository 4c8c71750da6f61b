"""Writing files, and checking that they can be written before any work is done."""

from __future__ import annotations

import itertools
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rtseg.errors import SinkError


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file; one that is there is replaced when the new one is finished. Raises SinkError."""
    is_device = path.exists() and not path.is_file()  # /dev/stdout
    part = path if is_device else part_of(path)
    try:
        part.write_bytes(data)
        if not is_device:
            part.replace(path)
    except OSError as error:
        if not is_device:
            part.unlink(missing_ok=True)
        raise SinkError(f"{path}: cannot be written ({error.strerror})") from error


def part_of(path: Path) -> Path:
    """Where a file is until it is finished."""
    return path.with_name(f".{path.name}.part")


def claim_names(folder: Path, stem: str, endings: Sequence[str]) -> tuple[Path, ...]:
    """A path for each ending, none of which is there; with a number where the stem is taken.

    An empty .part beside each keeps others from taking it too, until it is written or `release_names` is
    called. Raises SinkError.
    """
    for name in _numbered(stem):
        paths = tuple(folder / f"{name}{ending}" for ending in endings)
        claimed: list[Path] = []
        try:
            for path in paths:
                if path.exists():
                    raise FileExistsError
                part_of(path).touch(exist_ok=False)
                claimed.append(path)
        except OSError as error:
            release_names(claimed)
            if not isinstance(error, FileExistsError):
                raise SinkError(f"{folder}: cannot be written to ({error.strerror})") from error
        else:
            return paths
    raise AssertionError  # there is always a further number


def release_names(paths: Iterable[Path]) -> None:
    """Leave names that were claimed to others, but for what something was written to."""
    for path in paths:
        part = part_of(path)
        if part.exists() and not part.stat().st_size:
            part.unlink()


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in itertools.count(2))


def check_output(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output that exists, or is an input, or could not be written anyway. Raises SinkError."""
    _check_parent(path)
    try:
        path.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror}); choose another name") from error
    if path.is_dir():
        raise SinkError(f"{path}: is a folder; give the name of a file in it")
    if path.exists():
        if any(path.samefile(file) for file in inputs):
            raise SinkError(f"{path}: is the input itself; choose another output")
        if not overwrite:
            raise SinkError(f"{path}: exists already; add -y to write over it, or choose another name")
    _check_writable(path.parent)


def check_folder(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output folder with something in it, or with an input. Raises SinkError."""
    if path.exists() and not path.is_dir():
        raise SinkError(f"{path}: is a file; expected a folder")
    if not path.is_dir():
        _check_parent(path)
        _check_writable(path.parent)
        return
    if any(path.samefile(file.parent) for file in inputs):
        raise SinkError(f"{path}: is the folder of the input, which could be lost; choose another folder")
    if any(path.iterdir()) and not overwrite:
        raise SinkError(f"{path}: is not empty; add -y to write into it, or choose another folder")
    _check_writable(path)


def make_folder(path: Path, *, parents: bool = False) -> None:
    """Make an output folder, with parents also those above it. Raises SinkError."""
    try:
        path.mkdir(exist_ok=True, parents=parents)
    except OSError as error:
        raise SinkError(f"{path}: cannot be made ({error.strerror})") from error


def _check_parent(path: Path) -> None:
    folder = path.parent
    if folder.is_dir():
        return
    if folder.exists():
        raise SinkError(f"{path}: {folder} is a file, not a folder; choose another place")
    command = shlex.join(["mkdir", "-p", str(folder)])
    raise SinkError(f"{path}: the folder {folder} does not exist; make it with `{command}`")


def _check_writable(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SinkError(f"{folder}: cannot be written to ({error.strerror}); choose another place") from error
