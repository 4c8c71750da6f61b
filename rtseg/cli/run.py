"""rtseg run: live, from a camera, a stream, a file, pictures or the demo."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.backends import Precision
    from rtseg.frame import Frame
    from rtseg.runtime.pipeline import Pipeline, Policy
    from rtseg.segmenter import Segmenter
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source

DEMO_OUTPUT = Path("rtseg-out")
_HEADLESS_DEMO_FRAMES = 300
_FINISH_S = 15.0


@dataclass(frozen=True)
class RunConfig:
    """What `rtseg run` was asked for."""

    source: str | None
    model: str
    backend: str
    precision: Precision
    display: bool
    record: Path | None
    policy: Policy
    opacity: float
    classes: tuple[str, ...]
    frames: int | None
    stats: Path | None
    demo_size: tuple[int, int]
    seed: int
    overwrite: bool


def run(
    camera: Annotated[
        str | None, typer.Option(help="A camera: its number (0 is the first) or its device path.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="A video file, URL, picture, folder or glob of pictures.")
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
    opacity: common.Opacity = 0.5,
    classes: common.Classes = "",
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after this many frames.")] = None,
    stats: Annotated[Path | None, typer.Option(help="Write the run's statistics to this JSON file.")] = None,
    demo_size: Annotated[str, typer.Option(help="Size of the demo's pictures.")] = "1280x720",
    seed: Annotated[int, typer.Option(help="Which street the demo draws.")] = 1,
    yes: common.Overwrite = False,
) -> None:
    """Segment live: see road, vehicles and pedestrians as they come.

    Name one source: --camera 0, --source dashcam.mp4, --source rtsp://..., or --demo. Ctrl-C, or closing the
    window, ends the run; a recording is finished properly.
    """
    from rtseg.errors import ConfigError

    given = [option for option in (camera, source, "demo" if demo else None) if option is not None]
    if len(given) != 1:
        raise ConfigError(
            f"{len(given)} sources given; name one of --camera NUMBER, --source FILE-OR-URL or --demo"
        )
    execute(
        RunConfig(
            source=None if demo else given[0],
            model=model,
            backend=backend,
            precision=precision,
            display=display,
            record=record,
            policy=policy,
            opacity=opacity,
            classes=common.names(classes),
            frames=frames,
            stats=stats,
            demo_size=common.parse_size(demo_size),
            seed=seed,
            overwrite=yes,
        )
    )


def execute(config: RunConfig) -> None:
    """Open everything, run to the end, and say what happened."""
    from rtseg import viewer
    from rtseg.runtime.channel import LatestSlot
    from rtseg.runtime.pipeline import Pipeline, Style
    from rtseg.segmenter import load
    from rtseg.video.outputs import check_output, write_file
    from rtseg.video.video_sink import check_video_name

    console = common.console()
    display = config.display
    if display and (reason := viewer.unavailable()):
        console.print(f"No window: {reason}")
        display = False
    if config.record is not None:
        check_video_name(config.record)

    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_open(config, display=display))
        for output in (config.record, config.stats):
            if output is not None:
                check_output(output, overwrite=config.overwrite, inputs=source.files)
        segmenter = stack.enter_context(
            load(config.model, backend=config.backend, precision=config.precision)
        )
        sinks, written = _sinks(config, source, segmenter, display=display)
        view: LatestSlot[Frame] | None = LatestSlot() if display else None
        frames = config.frames or (_HEADLESS_DEMO_FRAMES if config.source is None and not display else None)
        pipeline = Pipeline(
            source,
            segmenter,
            sinks=sinks,
            policy=config.policy,
            style=Style(config.opacity, config.classes),
            max_frames=frames,
            view=view,
        )
        console.print(
            f"{segmenter.card.name} on {segmenter.backend.name} ({segmenter.backend.precision}), "
            f"source {source.name}. {'Close the window' if display else 'Ctrl-C'} to stop.",
        )
        if view is None:
            common.watch(pipeline, console, total=frames or source.frame_count)
        else:
            pipeline.start()
            try:
                viewer.show(pipeline, view, title=source.name)
            finally:
                # A recording may still have to be finished, and nothing may be closed under a running thread.
                pipeline.join(timeout=_FINISH_S)
        common.tell_troubles(source, console)
        summary = _summary(pipeline)
        _report(console, summary)
    if config.stats is not None:
        write_file(config.stats, (json.dumps(summary, indent=2) + "\n").encode())
        written.append(config.stats)
    common.print_paths(*written)


def _open(config: RunConfig, *, display: bool) -> Source:
    if config.source is None:
        from rtseg.video.demo.source import DemoSource

        # Without anybody watching, the demo has no hurry: its video is whole and smooth.
        paced = display if config.policy == "auto" else config.policy == "latest"
        return DemoSource(config.demo_size, seed=config.seed, paced=paced)
    from rtseg.video.paced import Paced
    from rtseg.video.source import open_source

    source = open_source(config.source)
    # A recording is watched at its own speed; without anybody watching, it is done as fast as possible.
    return Paced(source) if display and not source.live else source


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
    if config.source is None and not display:
        make_folder(DEMO_OUTPUT)
        record = record or DEMO_OUTPUT / "demo.mp4"
        picture = DEMO_OUTPUT / "demo.png"
        card = segmenter.card
        sinks.append(LastPictureSink(picture, lambda image: draw_legend(image, card.classes, card.palette)))
        written.append(picture)
    if record is not None:
        sinks.append(VideoSink(record, rate=source.rate))
        written.append(record)
    return sinks, written


def _summary(pipeline: Pipeline) -> dict[str, Any]:
    from rtseg.runtime.stats import SCHEMA

    segmenter = pipeline.segmenter
    return {
        "schema": SCHEMA,
        "source": pipeline.source.name,
        "model": segmenter.card.name,
        "backend": segmenter.backend.name,
        "precision": segmenter.backend.precision,
        **pipeline.stats.summary(segmenter.card.classes, pipeline.dropped()),
    }


def _report(console: Console, summary: dict[str, Any]) -> None:
    from rich.table import Table

    dropped = ", ".join(f"{count} before {stage}" for stage, count in summary["dropped"].items() if count)
    console.print(
        f"{summary['frames_out']} frames in {summary['wall_s']:.1f} s = {summary['fps']:.1f} a second; "
        f"dropped: {dropped or 'none'}",
        soft_wrap=True,
    )
    table = Table("", "p50 ms", "p95 ms")
    for stage, times in {**summary["stages_ms"], "age at output": summary["age_ms"]}.items():
        table.add_row(stage, f"{times['p50']:.1f}", f"{times['p95']:.1f}")
    console.print(table)
    shares = [f"{name} {share:.1%}" for name, share in summary["class_share"].items()]
    console.print("Share of the picture: " + ", ".join(shares))
