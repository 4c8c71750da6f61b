"""Progress of many clips in a terminal: all of them in one bar, and a bar for each that is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from typing_extensions import Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from rtseg.offline import Progress
    from rtseg.offline.outcome import Outcome


class Board:
    """A watcher of a run. Used by the main thread.

    Nobody knows beforehand how many frames all clips have, so the whole is measured in bytes of input.
    """

    def __init__(self, sizes: Mapping[str, int], console: Console) -> None:
        """Bytes of each clip by its name."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.outcomes: dict[str, Outcome] = {}
        self._sizes = sizes
        self._console = console
        self._told = False
        self._done_bytes = 0
        self._shares: dict[str, float] = {}
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._all = self._bars.add_task("all clips", total=max(1, sum(sizes.values())), count="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        self._show()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def heed(self, ended: bool) -> bool:
        """Says so when the run is to end; passes the answer on."""
        if ended and not self._told:
            self._told = True
            self._console.print("Stopping; what was begun is finished first. Once more ends it at once.")
        return ended

    def begun(self, name: str) -> None:
        """A clip is taken up."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(f"  {name}", total=None, count="")

    def advanced(self, name: str, progress: Progress) -> None:
        """Frames of it are done."""
        self.begun(name)
        total = progress.total
        self._bars.update(
            self._tasks[name],
            completed=progress.frames,
            total=total,
            count=f"{progress.frames}/{total or '?'} frames {progress.fps:5.1f} fps",
        )
        if total:
            self._shares[name] = min(1.0, progress.frames / total)
            self._show()

    def told(self, name: str | None, line: str) -> None:
        """A line for people."""
        line = " ".join(line.split())
        self._console.print(line if name is None else f"{name}: {line}")

    def ended(self, outcome: Outcome) -> None:
        """A clip has come to its end."""
        self.outcomes[outcome.name] = outcome
        self._shares.pop(outcome.name, None)
        if (task := self._tasks.pop(outcome.name, None)) is not None:
            self._bars.remove_task(task)
        if outcome.state == "failed":
            self.told(outcome.name, f"failed: {outcome.error}")
        if outcome.state != "stopped":
            self._done_bytes += self._sizes.get(outcome.name, 0)
        self._show()

    def _show(self) -> None:
        under_way = sum(self._sizes.get(name, 0) * share for name, share in self._shares.items())
        self._bars.update(
            self._all,
            completed=self._done_bytes + under_way,
            count=f"{len(self.outcomes)}/{len(self._sizes)} clips",
        )
