"""rtseg run: live, from a camera, a stream, a file, pictures or the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtseg.cli import common
from rtseg.cli.sources import asked_for

if TYPE_CHECKING:
    from rtseg.runtime.choice import NetworkChoice
    from rtseg.runtime.policy import Policy
    from rtseg.runtime.request import SourceRequest


@dataclass(frozen=True)
class RunConfig:
    """What `rtseg run` was asked for."""

    source: SourceRequest
    network: NetworkChoice
    display: bool
    record: Path | None
    policy: Policy
    max_age_ms: float | None
    adaptive: bool
    opacity: float | None
    classes: tuple[str, ...] | None
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
    opacity: Annotated[
        float | None,
        typer.Option(help="How strongly classes are tinted, 0 to 1 (0.5; in a window the last one chosen)."),
    ] = None,
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
    from rtseg.runtime.choice import NetworkChoice
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
            network=NetworkChoice(model, backend, precision),
            display=display,
            record=record,
            policy=policy,
            max_age_ms=max_age,
            adaptive=adaptive,
            opacity=opacity,
            classes=common.names(classes) or None,
            frames=frames,
            stats=stats,
            overwrite=yes,
        )
    )


def execute(config: RunConfig) -> None:
    """Run to the end, in a window where there is one, and say what happened."""
    from rtseg import viewer
    from rtseg.cli import in_terminal, in_window
    from rtseg.video.video_sink import check_video_name

    console = common.console()
    if config.record is not None:
        check_video_name(config.record)
    display = config.display
    if display and (reason := viewer.unavailable()):
        console.print(f"No window: {reason}")
        display = False
    common.print_paths(*(in_window.run if display else in_terminal.run)(config, console))
