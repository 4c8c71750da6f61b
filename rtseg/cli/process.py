"""rtseg process: a recording in, every frame of it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtseg.labels import Rgb
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source


def process(
    input: Annotated[str, typer.Argument(help="A video, a picture, a folder or a glob of pictures.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The video to write; a folder where the input is pictures."),
    ],
    masks: Annotated[
        Path | None,
        typer.Option(help="Write class maps into this folder: palette PNG, a pixel's index is its class."),
    ] = None,
    model: common.Model = "street-m",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    opacity: common.Opacity = 0.5,
    classes: common.Classes = "",
    yes: common.Overwrite = False,
) -> None:
    """Segment a recording: every frame comes out, in order, at its own time.

    Example: rtseg process drive.mp4 -o drive-segmented.mp4 --masks drive-masks
    """
    from rich.console import Console

    from rtseg.runtime.pipeline import Pipeline, Style
    from rtseg.segmenter import load
    from rtseg.video.source import open_source

    console = Console(stderr=True, highlight=False)
    with open_source(input) as source:
        sinks = _sinks(source, output, overwrite=yes)
        with load(model, backend=backend, precision=precision) as segmenter:
            if masks is not None:
                sinks.append(_mask_sink(masks, segmenter.card.palette, overwrite=yes))
            pipeline = Pipeline(
                source,
                segmenter,
                sinks=sinks,
                policy="every-frame",
                style=Style(opacity, common.names(classes)),
            )
            stopped = common.watch(pipeline, console, total=source.frame_count)
        for trouble in source.troubles:
            console.print(f"Note: {trouble}", soft_wrap=True)
    stats = pipeline.stats
    rate = stats.frames_out / stats.wall_s
    console.print(f"{stats.frames_out} frames in {stats.wall_s:.1f} s = {rate:.1f} a second", soft_wrap=True)
    for path in (output, masks):
        if path is not None and path.exists():
            typer.echo(path)
    if stopped:
        raise typer.Exit(130)


def _sinks(source: Source, output: Path, *, overwrite: bool) -> list[Sink]:
    from rtseg.errors import SinkError
    from rtseg.video.images import ImagesSource
    from rtseg.video.outputs import check_output, make_folder
    from rtseg.video.sinks import PictureSink
    from rtseg.video.video_sink import VideoSink

    if source.live:
        raise SinkError(f"{source.name}: is live; `rtseg run --record FILE` records it, process takes files")
    if output.suffix:
        check_output(output, overwrite=overwrite)
        if Path(source.name).exists() and output.exists() and output.samefile(source.name):
            raise SinkError(f"{output}: is the input itself; choose another output")
        return [VideoSink(output, rate=source.rate)]
    if not isinstance(source, ImagesSource):
        raise SinkError(f"{output}: has no ending; name the video to write, for example {output}.mp4")
    make_folder(output, overwrite=overwrite)
    return [PictureSink(output)]


def _mask_sink(folder: Path, palette: Sequence[Rgb], *, overwrite: bool) -> Sink:
    from rtseg.video.outputs import make_folder
    from rtseg.video.sinks import MaskSink

    make_folder(folder, overwrite=overwrite)
    return MaskSink(folder, palette)
