"""Running a clip from the command line: progress, Ctrl-C, and what is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtseg.cli.watching import signals

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.offline import ClipJob, ClipSummary, Progress
    from rtseg.segmenter import Segmenter


def run_clip(job: ClipJob, segmenter: Segmenter, console: Console) -> int | None:
    """Process a clip with a progress bar; the signal that ended it, if one did. Raises its errors."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from rtseg.offline import process_clip

    columns = [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    bar = Bar(TextColumn("segmenting"), *columns, TextColumn("{task.fields[rate]}"), console=console)
    task = bar.add_task("clip", total=None, rate="")
    told = False

    def show(progress: Progress) -> None:
        nonlocal told
        bar.start()
        bar.update(task, completed=progress.frames, total=progress.total, rate=f"{progress.fps:5.1f} fps")
        if caught and not told:
            told = True
            console.print("Stopping; what was begun is finished first. Once more ends it at once.")

    with signals() as caught:
        try:
            summary = process_clip(
                job, segmenter, progress=show, tell=console.print, stopping=lambda: bool(caught)
            )
        finally:
            if bar.live.is_started:
                bar.stop()
    report(summary, console)
    return caught[0] if caught and not summary.finished else None


def report(summary: ClipSummary, console: Console) -> None:
    """What was done, and what went wrong without ending it."""
    for trouble in summary.troubles:
        console.print(f"Note: {trouble}")
    done = summary.frames - (summary.resumed_at or 0)
    console.print(f"{done} frames in {summary.wall_s:.1f} s = {summary.fps:.1f} a second")
    if not summary.finished:
        console.print(f"Stopped at frame {summary.frames}; add --resume to go on from there")
