"""Figures of each frame gathered in a file: lines of JSON, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rtseg.errors import ConfigError, SinkError
from rtseg.frame import Segmentation
from rtseg.offline.figures import figures
from rtseg.offline.job import ClipJob
from rtseg.offline.journal import beside


def rows_path(job: ClipJob) -> Path | None:
    """Where the figures of the frames gather until the clip is finished; None where they are not kept."""
    if job.jsonl is not None:
        return beside(job.jsonl, "part")
    return None if job.parquet is None else beside(job.parquet, "rows")


class FrameRows:
    """Figures of each frame, a line of JSON each."""

    def __init__(self, job: ClipJob, classes: Sequence[str], kept: int) -> None:
        """Kept is how many lines of an earlier run are to be kept. Raises SinkError."""
        self._job = job
        self._classes = classes
        self._path = rows_path(job)
        self._file = None
        self._sums = [0.0] * (len(classes) + 1)
        if self._path is not None and not (kept and not self._path.exists()):  # it has its name already
            try:
                self._file = self._path.open("r+b" if kept else "w+b")
                for _ in range(kept):
                    self._file.readline()
                self._file.truncate()
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error

    def write(self, segmentation: Segmentation) -> None:
        """One line. Raises SinkError."""
        found = figures(segmentation, self._classes)
        for number, value in enumerate((*found.share, found.confidence)):
            self._sums[number] += value
        if self._file is not None:
            try:
                self._file.write(json.dumps(found.row(self._classes)).encode() + b"\n")
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error

    def sync(self) -> tuple[float, ...]:
        """The sums of the segment: of each class's share, and of the confidence."""
        sums, self._sums = tuple(self._sums), [0.0] * len(self._sums)
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error
        return sums

    def close(self, *, whole: bool) -> None:
        """Raises SinkError."""
        if self._file is None or self._path is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
            if not whole:
                return
            if self._job.parquet is not None:
                write_parquet(self._path, self._job.parquet)
            if self._job.jsonl is not None:
                self._path.replace(self._job.jsonl)
            else:
                self._path.unlink()
        except OSError as error:
            raise SinkError(f"{self._path}: cannot be finished ({error.strerror})") from error


def parquet_library() -> None:
    """Raises ConfigError where there is none."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "--parquet needs the package pyarrow; install it with `pip install 'rtseg[parquet]'`, or take "
            "--jsonl"
        ) from error


def write_parquet(rows: Path, output: Path) -> None:
    """The lines of a file of JSON lines as a Parquet file, some at a time. Raises OSError."""
    import pyarrow.json
    import pyarrow.parquet

    part = beside(output, "part")
    with pyarrow.json.open_json(rows) as reader, pyarrow.parquet.ParquetWriter(part, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    part.replace(output)


def count_rows(path: Path) -> int:
    """How many whole lines there are; none where there is no file."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def are_published(job: ClipJob) -> bool:
    """Whether the figures have their names already."""
    return all(path.exists() for path in (job.jsonl, job.parquet) if path is not None)
