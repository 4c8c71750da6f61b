"""Where tasks on all machines say how far they are, and the driver asks: an actor beside the driver."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rtseg.offline import Progress

_MOST_LINES = 10_000


class Board:
    """The actor. Its methods are called by Ray, one at a time."""

    def __init__(self) -> None:
        self._progress: dict[tuple[str, int], Progress] = {}
        self._lines: list[tuple[str, str]] = []
        self._told: set[tuple[str, str]] = set()
        self._begun: Counter[tuple[str, int]] = Counter()

    def begin(self, name: str, part: int, node: str) -> None:
        """A task has begun; not for the first time if what had it has died."""
        self._begun[name, part] += 1
        if self._begun[name, part] > 1:
            what = "is" if part < 0 else f"part {part + 1} is"
            self.tell(name, f"{what} done again on {node}: what had it has died")

    def advance(self, name: str, part: int, progress: Progress) -> None:
        """A task has done some frames."""
        self._progress[name, part] = progress

    def tell(self, name: str, line: str) -> None:
        """A line for people; all parts of a clip say the same of it."""
        if (name, line) not in self._told and len(self._told) < _MOST_LINES:
            self._told.add((name, line))
            self._lines.append((name, line))

    def drain(self) -> tuple[dict[tuple[str, int], Progress], list[tuple[str, str]]]:
        """What is new since the last call."""
        progress, lines = self._progress, self._lines
        self._progress, self._lines = {}, []
        return progress, lines


@dataclass(frozen=True)
class Reporter:
    """What a task reports to: it sends, and waits for nothing."""

    board: Any
    """The actor's handle."""
    name: str
    part: int
    """The number of a span; -1 for a whole clip."""

    def begin(self, node: str) -> None:
        """The task has begun."""
        self.board.begin.remote(self.name, self.part, node)

    def progress(self, progress: Progress) -> None:
        """So many frames are done."""
        self.board.advance.remote(self.name, self.part, progress)

    def tell(self, line: str) -> None:
        """A line for people."""
        self.board.tell.remote(self.name, line)
