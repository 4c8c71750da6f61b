"""rtseg run: live, from a camera, a stream, a file, pictures or the demo."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rtseg.cli import common
from rtseg.cli.sources import SourceConfig, asked_for, open_asked
from rtseg.cli.watching import Opened, tell_troubles, watch

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.backends import Precision
    from rtseg.runtime.ladder import Ladder
    from rtseg.runtime.pipeline import Policy
    from rtseg.runtime.shown import Shown
    from rtseg.segmenter import Segmenter
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source

DEMO_OUTPUT = Path("rtseg-out")
_HEADLESS_DEMO_FRAMES = 300
_FINISH_S = 15.0
_USUAL_RATE = 30
_SMALLER = {"street-m": "street-s"}


@dataclass(frozen=True)
class RunConfig:
    """What `rtseg run` was asked for."""

    source: SourceConfig
    model: str
    backend: str
    precision: Precision
    display: bool
    record: Path | None
    policy: Policy
    max_age_ms: float | None
    adaptive: bool
    opacity: float
    classes: tuple[str, ...]
    frames: int | None
    stats: Path | None
    overwrite: bool


def run(
    camera: Annotated[
        list[str] | None,
        typer.Option(help="A camera: its number (0 is the first), its device path, or csi://0 on a Jetson."),
    ] = None,
    camera_size: Annotated[
        str | None, typer.Option(help="What the camera is asked for, for example 1920x1080.")
    ] = None,
    camera_fps: Annotated[float | None, typer.Option(help="Frames a second asked of the camera.")] = None,
    camera_format: Annotated[
        str | None,
        typer.Option(help="Pixel format asked of the camera: MJPG (the default above 640x480), YUYV, ..."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="A video file, URL, picture, folder or glob of pictures; screen:// is the screen."),
    ] = None,
    tile_size: Annotated[
        str | None, typer.Option(help="Size of each picture in the grid of several sources (640x360).")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="A street scene that rtseg draws itself.")] = False,
    model: common.Model = "street-m",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    display: Annotated[
        bool, typer.Option("--display/--no-display", help="Show a window; without one, print statistics.")
    ] = True,
    record: Annotated[
        Path | None, typer.Option(help="Write what is seen to this video (.mp4, .mkv, ...).")
    ] = None,
    policy: Annotated[
        Literal["auto", "latest", "every-frame"],
        typer.Option(
            help="latest: always the newest frame, older ones drop out. every-frame: none is dropped. "
            "auto: latest for cameras and streams, every-frame for files."
        ),
    ] = "auto",
    max_age: Annotated[
        float | None,
        typer.Option(min=1, metavar="MS", help="Live, leave out frames that are older than this."),
    ] = None,
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive",
            help="Live, take a smaller input or street-s while frames get older than --max-age, or than the "
            "time between two (33 ms where the source does not say).",
        ),
    ] = False,
    opacity: common.Opacity = 0.5,
    classes: common.Classes = "",
    frames: Annotated[int | None, typer.Option(min=1, help="Stop when so many frames were captured.")] = None,
    stats: Annotated[Path | None, typer.Option(help="Write the run's statistics to this JSON file.")] = None,
    demo_size: Annotated[str, typer.Option(help="Size of the demo's pictures.")] = "1280x720",
    seed: Annotated[int, typer.Option(help="Which street the demo draws.")] = 1,
    yes: common.Overwrite = False,
) -> None:
    """Segment live: see road, vehicles and pedestrians as they come.

    Name a source: --camera 0, --source dashcam.mp4, --source rtsp://..., or --demo. Several cameras and
    sources share the network and are shown in a grid. Ctrl-C, or closing the window, ends the run; a
    recording is finished properly.
    """
    from rtseg.video.camera_format import CameraFormat

    execute(
        RunConfig(
            source=asked_for(
                camera or (),
                source or (),
                demo=demo,
                camera=CameraFormat(
                    common.parse_size(camera_size) if camera_size is not None else None,
                    camera_fps,
                    camera_format,
                ),
                tile_size=tile_size,
                demo_size=demo_size,
                seed=seed,
            ),
            model=model,
            backend=backend,
            precision=precision,
            display=display,
            record=record,
            policy=policy,
            max_age_ms=max_age,
            adaptive=adaptive,
            opacity=opacity,
            classes=common.names(classes),
            frames=frames,
            stats=stats,
            overwrite=yes,
        )
    )


def execute(config: RunConfig) -> None:
    """Open everything, run to the end, and say what happened."""
    from rtseg import viewer
    from rtseg.cli.run_report import report, summary
    from rtseg.runtime.channel import LatestSlot
    from rtseg.runtime.pipeline import Pipeline, Style, is_latest
    from rtseg.segmenter import load
    from rtseg.video.outputs import check_output
    from rtseg.video.video_sink import check_video_name

    console = common.console()
    display = config.display
    if display and (reason := viewer.unavailable()):
        console.print(f"No window: {reason}")
        display = False
    if config.record is not None:
        check_video_name(config.record)

    with Opened() as opened:
        source = opened.add(open_asked(config.source, policy=config.policy, display=display))
        for output in (config.record, config.stats):
            if output is not None:
                check_output(output, overwrite=config.overwrite, inputs=source.files)
        # Whoever watches a recording does not wait for a whole batch of it either.
        live = display or is_latest(source, config.policy)
        segmenter = opened.add(
            load(
                config.model,
                backend=config.backend,
                precision=config.precision,
                mode="live" if live else "offline",
                measure=True,
            )
        )
        sinks, written = _sinks(config, source, segmenter, display=display)
        view: LatestSlot[Shown] | None = LatestSlot() if display else None
        frames = config.frames or (_HEADLESS_DEMO_FRAMES if config.source.is_demo and not display else None)
        pipeline = opened.used_by(
            Pipeline(
                source,
                segmenter,
                sinks=sinks,
                policy=config.policy,
                style=Style(config.opacity, config.classes or None),
                max_frames=frames,
                max_age_ms=config.max_age_ms,
                ladder=_ladder(config, source, segmenter, opened) if config.adaptive else None,
                view=view,
            )
        )
        console.print(
            f"{segmenter.card.name} on {segmenter.backend.name} ({segmenter.backend.precision}), "
            f"source {source.name}. {'Close the window' if display else 'Ctrl-C'} to stop.",
        )
        try:
            if view is None:
                watch(pipeline, console, total=frames or source.frame_count)
            else:
                pipeline.start()
                try:
                    viewer.show(pipeline, view, title=source.name)
                finally:
                    # A recording may still have to be finished.
                    pipeline.join(timeout=_FINISH_S)
            report(console, summary(pipeline))
        finally:
            # What there is by then is kept, also when a stage failed.
            tell_troubles(source, console)
            if config.stats is not None:
                failed = sys.exc_info()[1] is not None
                _write_stats(config.stats, summary(pipeline), console, failed=failed)
                written.append(config.stats)
    common.print_paths(*written)


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


def _ladder(config: RunConfig, source: Source, segmenter: Segmenter, opened: Opened) -> Ladder:
    """From the segmenter's own network down; to the smaller model too, if it knows the same classes."""
    from rtseg.card import shipped_models
    from rtseg.runtime.ladder import Ladder, rungs
    from rtseg.segmenter import load

    smaller = None
    name = _SMALLER.get(segmenter.name)
    if name in shipped_models():
        smaller = opened.add(load(name, backend=config.backend, precision=config.precision, measure=True))
        if (smaller.card.classes, smaller.card.palette) != (segmenter.card.classes, segmenter.card.palette):
            smaller = None
    budget_ms = config.max_age_ms or 1000 / float(source.rate or _USUAL_RATE)
    return opened.add(Ladder(rungs(segmenter, smaller), budget_ms))


def _sinks(
    config: RunConfig, source: Source, segmenter: Segmenter, *, display: bool
) -> tuple[list[Sink], list[Path]]:
    """The sinks, and the files that they will have written."""
    from rtseg.overlay import draw_legend
    from rtseg.video.outputs import make_folder
    from rtseg.video.sinks import LastPictureSink
    from rtseg.video.video_sink import VideoSink

    record = config.record
    sinks: list[Sink] = []
    written: list[Path] = []
    if config.source.is_demo and not display:
        make_folder(DEMO_OUTPUT)
        record = record or DEMO_OUTPUT / "demo.mp4"
        picture = DEMO_OUTPUT / "demo.png"
        card = segmenter.card
        sinks.append(LastPictureSink(picture, lambda image: draw_legend(image, card.classes, card.palette)))
        written.append(picture)
    if record is not None:
        sinks.append(VideoSink(record, rate=source.rate, scales=source.live))
        written.append(record)
    return sinks, written
