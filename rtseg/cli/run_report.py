"""What `rtseg run` says at its end, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rtseg.cli.watching import tell_troubles

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from rtseg.runtime.pipeline import Pipeline


@contextmanager
def told(pipeline: Pipeline, console: Console, stats: Path | None) -> Iterator[None]:
    """Report what was run inside; troubles, and the statistics into their file, also where it failed."""
    try:
        yield
        report(console, summary(pipeline))
    finally:
        # What there is by then is kept, also when a stage failed.
        tell_troubles(pipeline.source, console)
        if stats is not None:
            _write_stats(stats, summary(pipeline), console, failed=sys.exc_info()[1] is not None)


def _write_stats(path: Path, figures: dict[str, Any], console: Console, *, failed: bool) -> None:
    """Raises SinkError, but where the run has failed: then that is the cause, and this only told."""
    from rtseg.errors import SinkError
    from rtseg.video.outputs import write_file

    try:
        write_file(path, (json.dumps(figures, indent=2) + "\n").encode())
    except SinkError as error:
        if not failed:
            raise
        console.print(f"Note: {error}")


def summary(pipeline: Pipeline) -> dict[str, Any]:
    """The documented keys of `--stats`."""
    from rtseg.runtime.stats import SCHEMA

    segmenter, source = pipeline.segmenter, pipeline.source
    keys = {
        "schema": SCHEMA,
        "source": source.name,
        "source_state": source.state,
        "reconnects": source.reconnects,
        "model": segmenter.card.name,
        "backend": segmenter.backend.name,
        "precision": segmenter.backend.precision,
        **pipeline.stats.summary(segmenter.card.classes, pipeline.drops()),
    }
    return keys if pipeline.ladder is None else keys | {"adaptive": pipeline.ladder.summary()}


def report(console: Console, figures: dict[str, Any]) -> None:
    """The same in a few lines."""
    from rich.table import Table

    dropped = ", ".join(
        f"{each['count']} before {each['stage']} ({each['reason']})" for each in figures["drops"]
    )
    console.print(
        f"{figures['frames_out']} frames in {figures['wall_s']:.1f} s = {figures['fps']:.1f} a second; "
        f"dropped: {dropped or 'none'}"
    )
    if figures["frames_out"] == 0:
        return
    columns = ("p50", "p95", "p99")
    table = Table("", *(f"{column} ms" for column in columns))
    for stage, times in {**figures["stages_ms"], "age at output": figures["age_ms"]}.items():
        table.add_row(stage, *(f"{times[column]:.1f}" for column in columns))
    console.print(table)
    cpu, stalls = figures["cpu"], figures["stalls"]
    line = f"CPU {cpu['seconds']:.1f} s"
    if cpu["ms_per_frame"] is not None:
        line += f", {cpu['ms_per_frame']:.1f} ms a frame"
    line += f", {cpu['efficiency']:.0%} of {cpu['processors']} processors"
    if figures["memory_mib"]["peak"] is not None:
        line += f"; memory at its highest {figures['memory_mib']['peak']:.0f} MiB"
    console.print(line)
    if stalls["count"]:
        console.print(
            f"The source stalled {stalls['count']} times, {stalls['seconds']:.1f} s in all, "
            f"{stalls['longest_s']:.1f} s at the longest"
        )
    if "adaptive" in figures:
        frames = ", ".join(f"{count} on {name}" for name, count in figures["adaptive"]["frames"].items())
        console.print(f"Adaptive: {len(figures['adaptive']['steps'])} steps; {frames}")
    shares = [f"{name} {share:.1%}" for name, share in figures["class_share"].items()]
    console.print("Share of the picture: " + ", ".join(shares))
