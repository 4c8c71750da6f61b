"""rtseg process: a recording in, every frame of it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common
from rtseg.cli.watching import Opened, tell_troubles, watch

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
    from rtseg.runtime.pipeline import Pipeline, Style
    from rtseg.segmenter import load
    from rtseg.video.source import open_source

    console = common.console()
    with Opened() as opened:
        source = opened.add(open_source(input))
        _check(source, output, masks, overwrite=yes)
        segmenter = opened.add(
            load(model, backend=backend, precision=precision, mode="offline", measure=True)
        )
        pipeline = opened.used_by(
            Pipeline(
                source,
                segmenter,
                sinks=_sinks(source, output, masks, segmenter.card.palette),
                policy="every-frame",
                style=Style(opacity, common.names(classes) or None),
            )
        )
        try:
            signal = watch(pipeline, console, total=source.frame_count)
        finally:
            tell_troubles(source, console)
    stats = pipeline.stats
    rate = stats.frames_out / stats.wall_s
    console.print(f"{stats.frames_out} frames in {stats.wall_s:.1f} s = {rate:.1f} a second")
    common.print_paths(output, masks)
    if signal is not None:
        raise typer.Exit(128 + signal)


def _check(source: Source, output: Path, masks: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot work before anything is loaded or made."""
    from rtseg.errors import SinkError
    from rtseg.video.outputs import check_folder, check_output
    from rtseg.video.video_sink import check_video_name

    if source.live:
        raise SinkError(f"{source.name}: is live; `rtseg run --record FILE` records it, process takes files")
    if _is_folder(source, output):
        check_folder(output, overwrite=overwrite, inputs=source.files)
    else:
        check_output(output, overwrite=overwrite, inputs=source.files)
        check_video_name(output)
    if masks is not None:
        check_folder(masks, overwrite=overwrite, inputs=source.files)
        if masks.absolute() == output.absolute():
            raise SinkError(f"{masks}: is the output too; choose another folder for the masks")


def _is_folder(source: Source, output: Path) -> bool:
    """Whether the output is a folder of pictures, and not a video."""
    from rtseg.video.images import ImagesSource

    return isinstance(source, ImagesSource) and (not output.suffix or output.is_dir())


def _sinks(source: Source, output: Path, masks: Path | None, palette: Sequence[Rgb]) -> list[Sink]:
    from rtseg.video.sinks import MaskSink, PictureSink
    from rtseg.video.video_sink import VideoSink

    sinks: list[Sink] = [
        PictureSink(output) if _is_folder(source, output) else VideoSink(output, rate=source.rate)
    ]
    if masks is not None:
        sinks.append(MaskSink(masks, palette))
    return sinks
