"""How a clip among many ended, and whom that is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from rtseg.offline.job import Progress
from rtseg.offline.manifest import Entry


@dataclass(frozen=True)
class Outcome:
    """Of a clip."""

    name: str
    state: Literal["done", "skipped", "failed", "stopped"]
    """skipped: it was done already; stopped: what was finished waits for another run."""
    entry: Entry | None = None
    """For the manifest; None leaves what it says."""
    error: str | None = None
    moved_from: str | None = None
    """The name that its result had before, of an input that is not there any more."""

    @staticmethod
    def failed(name: str, error: str) -> Outcome:
        """With what went wrong, in a line."""
        line = " ".join(error.split())
        return Outcome(name, "failed", Entry("failed", error=line), line)


class Watcher(Protocol):
    """Is told how a run goes on, by the thread that runs it."""

    def begun(self, name: str) -> None:
        """A clip is taken up."""

    def advanced(self, name: str, progress: Progress) -> None:
        """Frames of it are done."""

    def told(self, name: str | None, line: str) -> None:
        """A line for people, on a clip or on the run."""

    def ended(self, outcome: Outcome) -> None:
        """A clip has come to its end."""
