"""What a run has finished, noted beside its output so that another can go on: JSON, a line each.

The first line is the key: what the result depends on. Each other line is a segment. The file is locked as
long as the run goes on, however it ends.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from rtseg.errors import SinkError

_VERSION = 1


@dataclass(frozen=True)
class Segment:
    """One that is finished. Times are in ticks of the source's video stream."""

    start: int
    next: int | None
    """Where the one after it begins; None for the last of the clip."""
    end: int
    """When its last frame ends."""
    index: int
    """How many frames come before it."""
    frames: int
    packets: int
    digest: str
    """SHA-256 of the tail of each packet, one after the other (rtseg.offline.part.tail)."""
    seekable: bool
    """Whether a reader finds its end by time."""
    sums: tuple[float, ...] = ()
    """Of the figures of its frames."""


class Journal:
    """Open and locked. Used by one thread at a time."""

    def __init__(self, output: Path) -> None:
        """Lock the journal of an output, made if there is none. Raises SinkError when another run has it."""
        self.path = beside(output, "journal")
        try:
            self._file = _locked(self.path)
        except BlockingIOError as error:
            raise SinkError(f"{output}: another run is writing it; wait for its end, or stop it") from error
        except OSError as error:
            raise SinkError(f"{self.path}: cannot be written ({error.strerror})") from error

    def read(self) -> tuple[dict[str, Any] | None, list[Segment]]:
        """The key, None if there is none yet, and the segments in order; a torn last line is cut off."""
        self._file.seek(0)
        key: dict[str, Any] | None = None
        segments: list[Segment] = []
        good = 0
        for line in self._file.read().splitlines(keepends=True):
            try:
                if not line.endswith("\n"):
                    break
                entry = json.loads(line)
                if "version" in entry:
                    key = entry["key"] if entry["version"] == _VERSION else None
                else:
                    segment = Segment(**{**entry, "sums": tuple(entry["sums"])})
                    # A later run has done some again.
                    segments = [each for each in segments if each.start < segment.start]
                    segments.append(segment)
            except (ValueError, TypeError, KeyError):
                break
            good += len(line)  # JSON is ASCII here
        self._file.truncate(good)
        return key, segments

    def begin(self, key: dict[str, Any]) -> None:
        """Nothing is finished yet. Raises SinkError."""
        self._file.truncate(0)
        self._write({"version": _VERSION, "key": key})

    def add(self, segment: Segment) -> None:
        """A segment is finished. Raises SinkError."""
        self._write(asdict(segment))

    def _write(self, entry: dict[str, Any]) -> None:
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SinkError(f"{self.path}: cannot be written ({error.strerror})") from error

    def close(self, *, remove: bool) -> None:
        """Let others have it; remove it where nothing is left to go on with."""
        if remove:
            self.path.unlink(missing_ok=True)
        self._file.close()


def beside(path: Path, what: str) -> Path:
    """The hidden file of this name beside an output."""
    return path.with_name(f".{path.name}.{what}")


def _locked(path: Path) -> IO[str]:
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            _lock(file)
            # Whoever had it may have removed it just now.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except OSError:
            file.close()
            raise
        file.close()


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 30)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
