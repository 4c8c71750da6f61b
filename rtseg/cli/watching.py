"""Running a pipeline from the command line: progress, Ctrl-C, and the closing of what was opened."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.runtime.pipeline import Pipeline
    from rtseg.video.source import Source

_STALLED_S = 2.0


class Closing(Protocol):
    """What can be closed."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


class Opened:
    """What a run has opened; closed at its end in reverse order, as far as no thread is left that uses it.

    A call into a device or a disk that never returns cannot be ended, only left behind. To close what it uses
    could crash the process, which ends anyway.
    """

    def __init__(self) -> None:
        self._things: list[Closing] = []
        self._pipeline: Pipeline | None = None

    def add(self, thing: C) -> C:
        """Have it closed at the end."""
        self._things.append(thing)
        return thing

    def used_by(self, pipeline: Pipeline) -> Pipeline:
        """Say who uses what was added."""
        self._pipeline = pipeline
        return pipeline

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        pipeline = self._pipeline
        if pipeline is not None and pipeline.running:
            return
        with ExitStack() as stack:
            for thing in self._things:
                if not (pipeline is not None and pipeline.abandoned and thing is pipeline.source):
                    stack.callback(thing.close)


def watch(pipeline: Pipeline, console: Console, total: int | None) -> int | None:
    """Run a pipeline to its end with a progress bar; the signal that ended it, if one did. Raises its errors.

    Frames under way when Ctrl-C or SIGTERM comes are finished, and outputs closed properly. Called by the
    main thread.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from rtseg.video.source import PLAYING

    columns = [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()] if total else []
    told = False
    with (
        signals() as caught,
        Progress(
            TextColumn("segmenting"), *columns, TextColumn("{task.fields[live]}"), console=console
        ) as bar,
    ):
        task = bar.add_task("run", total=total, live="")
        pipeline.start()
        ended = False
        while not ended:
            ended = pipeline.join(timeout=0.25)
            if caught and not told:
                told = True
                pipeline.stop()
                console.print("Stopping; what was begun is finished first. Once more ends it at once.")
            stats = pipeline.stats
            age_ms = stats.age_ns[-1] / 1e6 if stats.age_ns else 0.0
            live = f"{stats.fps_now():5.1f} fps  age {age_ms:4.0f} ms"
            if pipeline.latest:
                live += f"  dropped {sum(pipeline.dropped().values())}"
            if pipeline.source.state != PLAYING:
                live += f"  {pipeline.source.state}"
            elif (waiting_s := stats.waiting_s()) > _STALLED_S:
                live += f"  no frame for {waiting_s:.0f} s"
            done = stats.frames_in if pipeline.latest else stats.frames_out
            bar.update(task, completed=done, live=live)
    return caught[0] if caught else None


@contextmanager
def signals() -> Iterator[list[int]]:
    """Catches the first signal to end into the list; a second one ends the process as it always did."""
    caught: list[int] = []

    def catch(number: int, _: object) -> None:
        caught.append(number)
        for each in before:
            signal.signal(each, signal.SIG_DFL)

    before: dict[signal.Signals, Any] = {}
    ending = [signal.SIGINT, signal.SIGTERM]
    # A terminal or an ssh session that is gone; with nohup that is nothing.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        ending.append(signal.SIGHUP)
    for each in ending:
        before[each] = signal.signal(each, catch)
    try:
        yield caught
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def tell_troubles(source: Source, console: Console) -> None:
    """What went wrong without ending the source, a line each."""
    for trouble in tuple(source.troubles):
        console.print(f"Note: {' '.join(trouble.split())}")
