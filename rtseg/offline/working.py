"""The hidden files beside an output that its video grows in, and how it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtseg.errors import SinkError
from rtseg.offline.copying import copy_video
from rtseg.offline.journal import beside
from rtseg.offline.streams import OtherStreams


@dataclass(frozen=True)
class WorkingFiles:
    """Of one output."""

    part: Path
    """Of this run."""
    before: Path
    """Of the run before, while what is good of it is copied."""

    @classmethod
    def of(cls, output: Path) -> WorkingFiles:
        """Those of an output."""
        return cls(beside(output, "part"), beside(output, "before"))

    @property
    def exist(self) -> bool:
        """Whether there is either."""
        return self.part.exists() or self.before.exists()

    def remove(self) -> None:
        """Those that there are."""
        self.part.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)


def publish(
    files: WorkingFiles,
    output: Path,
    kind: str,
    others: OtherStreams | None,
    position: Callable[[], int],
) -> None:
    """Make an output of its working file, and remove what is not needed any more.

    With others, what was written as fragments is written as a whole, and they beside it; position gives the
    number of the video in the working file. Raises SinkError.
    """
    try:
        if others is not None:
            final = beside(output, "final")
            copy_video([files.part], final, kind, others, position())
            final.replace(output)
            files.part.unlink()
        else:
            files.part.replace(output)
        files.before.unlink(missing_ok=True)
    except SinkError as error:
        raise SinkError(f"{error}; all is kept: mend that, and add --resume to finish it") from error
    except OSError as error:
        raise SinkError(f"{output}: cannot be finished ({error.strerror})") from error
