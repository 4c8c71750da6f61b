"""Options that several subcommands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.runtime.pipeline import Pipeline

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="A model's name (see `rtseg models list`), its folder, or an ONNX file of ours."
    ),
]
Backend = Annotated[
    Literal["auto", "openvino", "onnxruntime"],
    typer.Option(help="What runs the network; auto takes the fastest one here."),
]
Precision = Annotated[
    Literal["auto", "f32", "bf16"], typer.Option(help="Arithmetic; auto is what the CPU does fastest.")
]
Opacity = Annotated[float, typer.Option(help="How strongly classes are tinted, 0 to 1.")]
Classes = Annotated[
    str, typer.Option(help="Show only these classes, separated by commas: road,vehicle,pedestrian.")
]
Overwrite = Annotated[bool, typer.Option("-y", "--yes", help="Write over outputs that exist.")]


def names(text: str) -> tuple[str, ...]:
    """Split a comma-separated option."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, for example 1280x720. Raises ConfigError."""
    from rtseg.errors import ConfigError

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"size {text!r} is not of the form WIDTHxHEIGHT, for example 1280x720")
    return int(width), int(height)


def watch(pipeline: Pipeline, console: Console, total: int | None) -> bool:
    """Run a pipeline to its end with a progress bar; True when Ctrl-C ended it. Raises its errors.

    Frames under way when Ctrl-C comes are finished, and outputs closed properly.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()] if total else []
    interrupted = False
    with Progress(
        TextColumn("segmenting"), *columns, TextColumn("{task.fields[live]}"), console=console
    ) as bar:
        task = bar.add_task("run", total=total, live="")
        pipeline.start()
        ended = False
        while not ended:
            try:
                ended = pipeline.join(timeout=0.25)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                pipeline.stop()
                console.print("Stopping; what was begun is finished first.")
            stats = pipeline.stats
            age_ms = stats.age_ns[-1] / 1e6 if stats.age_ns else 0.0
            live = f"{stats.fps_now():5.1f} fps  age {age_ms:4.0f} ms"
            if pipeline.latest:
                live += f"  dropped {sum(pipeline.dropped().values())}"
            done = stats.frames_in if pipeline.latest else stats.frames_out
            bar.update(task, completed=done, live=live)
    return interrupted
