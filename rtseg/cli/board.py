"""Progress of many clips: in a terminal a bar for all and one for each under way, elsewhere a line a clip."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import Self

from rtseg.cli import common

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from rtseg.offline import Progress
    from rtseg.offline.outcome import Outcome


class Board:
    """A watcher of a run. Used by the main thread.

    Nobody knows beforehand how many frames all clips have, so the whole is measured in bytes of input.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        console: Console,
        goodbye: str = "Stopping; what was begun is finished first. Once more ends it at once.",
    ) -> None:
        """Bytes of each clip by its name, and what is said when the run is to end."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.outcomes: dict[str, Outcome] = {}
        self._sizes = sizes
        self._console = console
        self._goodbye = goodbye
        self._told = False
        self._ended = 0
        self._done_bytes = 0
        self._shares: dict[str, float] = {}
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._begun = False
        self._all = self._bars.add_task("all clips", total=max(1, sum(sizes.values())), count="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def heed(self, ended: bool) -> bool:
        """Says so when the run is to end; passes the answer on."""
        if ended and not self._told:
            self._told = True
            self._console.print(self._goodbye)
        return ended

    def begun(self, name: str) -> None:
        """A clip is taken up."""
        if not self._begun:  # no sooner: what is wrong with the whole run is a line and nothing else
            self._begun = True
            self._bars.start()
            self._show()
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(f"  {common.shown(name)}", total=None, count="")

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
        self._console.print(common.shown(line if name is None else f"{name}: {line}"))

    def ended(self, outcome: Outcome) -> None:
        """A clip has come to its end."""
        self.outcomes[outcome.name] = outcome
        self._shares.pop(outcome.name, None)
        if (task := self._tasks.pop(outcome.name, None)) is not None:
            self._bars.remove_task(task)
        if outcome.state != "stopped":
            self._ended += 1
            self._done_bytes += self._sizes.get(outcome.name, 0)
        self._show()
        if outcome.state == "failed":
            self.told(outcome.name, f"failed: {outcome.error}")
        elif outcome.state == "done" and not self._console.is_terminal:
            left_s = self._bars.tasks[self._all].time_remaining
            left = "" if not left_s else f", {timedelta(seconds=round(left_s))} left"
            self.told(outcome.name, f"done ({self._ended}/{len(self._sizes)} clips{left})")

    def _show(self) -> None:
        under_way = sum(self._sizes.get(name, 0) * share for name, share in self._shares.items())
        self._bars.update(
            self._all,
            completed=self._done_bytes + under_way,
            count=f"{self._ended}/{len(self._sizes)} clips",
        )
