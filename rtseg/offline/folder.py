"""A folder of recordings in, the same tree of results out, with a manifest that belongs to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rtseg.errors import RtsegError, SinkError
from rtseg.offline.batch import process_clips
from rtseg.offline.job import ClipJob, Progress
from rtseg.offline.journal import Journal
from rtseg.offline.key import file_sha256
from rtseg.offline.manifest import MANIFEST, Entry, Manifest, difference, read_manifest
from rtseg.offline.one_of_many import Clip
from rtseg.offline.outcome import Outcome, Watcher
from rtseg.offline.renamed import Known
from rtseg.offline.tree import VIDEO, check_names, job_for
from rtseg.runtime.choice import NetworkChoice
from rtseg.video.outputs import write_file

_SAVE_EVERY_S = 1.0


def process_folder(
    folder: Path,
    names: Sequence[str],
    folders: Mapping[str, Path],
    template: ClipJob,
    network: NetworkChoice,
    *,
    workers: int,
    watcher: Watcher,
    stopping: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Do these clips of a folder (see find_clips); results of each kind lie in the folder of that kind.

    folders has at least "video", where the manifest lies too. template says what is asked of each clip; its
    paths do not count. What the manifest says is done, and still is as it says, is skipped; what an
    interrupted run has left is gone on with. Results that no manifest speaks of are only written over with
    template.overwrite; then such a clip has failed.

    Raises SinkError where another run writes there or nothing can be written, ConfigError, ModelError and
    BackendUnavailable where no clip could be done. What goes wrong with a clip is told to watcher.
    """
    check_names(names, folders)
    base = folders[VIDEO]
    with _locked(base):
        manifest = read_manifest(base)
        clips = []
        for name in names:
            job = job_for(template, name, folder / name, folders)
            entry = known(manifest, name, exists=any(path.exists() for path in _paths(job)))
            if entry is not None:
                manifest.clips[name] = entry
            clips.append(Clip(name, job, base, entry, _same_size(manifest, job.input, name, set(names))))
        saver = Saver(manifest, lambda text: write_file(base / MANIFEST, text.encode()), watcher)
        saver.save()
        try:
            process_clips(clips, network, workers=workers, watcher=saver, stopping=stopping)
        finally:
            saver.save()
    return manifest


def known(manifest: Manifest, name: str, *, exists: bool) -> Entry | None:
    """What the manifest says of a clip; None where what is at its outputs is none of rtseg's doing."""
    entry = manifest.clips.get(name)
    if entry is not None and (entry.state != "failed" or entry.has_result):
        return entry
    return None if exists else Entry("planned")


def _same_size(manifest: Manifest, input: Path, name: str, names: Set[str]) -> tuple[Known, ...]:
    """Results that may be of the same input by another name."""
    size = input.stat().st_size if input.exists() else None
    return tuple(
        Known(other, entry, other not in names)
        for other, entry in manifest.clips.items()
        if other != name and (entry.key or {}).get("input", {}).get("bytes", -1) == size
    )


class Saver:
    """Keeps a manifest up to date while clips end, and passes on what it hears. Used by one thread."""

    def __init__(
        self,
        manifest: Manifest,
        write: Callable[[str], None],
        watcher: Watcher,
        every_s: float = _SAVE_EVERY_S,
    ) -> None:
        self._manifest = manifest
        self._write = write
        self._watcher = watcher
        self._every_s = every_s
        self._saved_s = time.monotonic()

    def save(self) -> None:
        """Raises SinkError."""
        self._write(self._manifest.text())
        self._saved_s = time.monotonic()

    def begun(self, name: str) -> None:
        """Passed on."""
        self._watcher.begun(name)

    def advanced(self, name: str, progress: Progress) -> None:
        """Passed on."""
        self._watcher.advanced(name, progress)

    def told(self, name: str | None, line: str) -> None:
        """Passed on."""
        self._watcher.told(name, line)

    def ended(self, outcome: Outcome) -> None:
        """Noted, and written if it was long ago that it was: a clip lost costs less than a write each."""
        clips = self._manifest.clips
        if outcome.entry is not None:
            entry, before = outcome.entry, clips.get(outcome.name)
            if entry.state == "failed" and before is not None and before.has_result:
                entry = replace(before, state="failed", error=entry.error)  # what it had is still rtseg's
            clips[outcome.name] = entry
        if outcome.moved_from is not None:
            clips.pop(outcome.moved_from, None)
        self._watcher.ended(outcome)
        if time.monotonic() - self._saved_s > self._every_s:
            self.save()


def verify_folder(folder: Path, results: Path) -> Iterator[tuple[str, str | None]]:
    """Whether results still are what their manifest says, made of these inputs.

    Yields the name of each clip that was done, with what does not fit, or None. Raises SinkError where there
    is no manifest.
    """
    if not (results / MANIFEST).exists():
        raise SinkError(f"{results}: has no {MANIFEST}; give a folder that rtseg process has made")
    for name, entry in read_manifest(results).clips.items():
        if entry.state == "done":
            yield name, _does_not_fit(folder / name, entry, results)


def _does_not_fit(input: Path, entry: Entry, results: Path) -> str | None:
    try:
        if not input.exists():
            return "the input is missing"
        if file_sha256(input) != (entry.key or {}).get("input", {}).get("sha256"):
            return "the input has other contents"
        for said in entry.outputs.values():
            if (how := difference(results / said.path, said)) is not None:
                return f"{said.path} {how}"
    except RtsegError as error:
        return str(error)
    return None


@contextmanager
def _locked(base: Path) -> Iterator[None]:
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{base}: cannot be made ({error.strerror})") from error
    lock = Journal(base / MANIFEST)
    try:
        yield
    finally:
        lock.close(remove=True)


def _paths(job: ClipJob) -> list[Path]:
    paths = (job.output, job.masks, job.jsonl, job.parquet, job.summary)
    return [path for path in paths if path is not None]
