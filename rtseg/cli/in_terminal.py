"""`rtseg run` without a window: a line of figures, and a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rtseg.cli.run_parts import check_outputs, ladder, record_sinks, what_runs
from rtseg.cli.run_report import told
from rtseg.cli.watching import Opened, watch

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.cli.run import RunConfig
    from rtseg.segmenter import Segmenter
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source

DEMO_OUTPUT = Path("rtseg-out")
_DEMO_FRAMES = 300


def run(config: RunConfig, console: Console) -> list[Path]:
    """Run to the end; -> the files that were written."""
    from rtseg.runtime.pipeline import Pipeline
    from rtseg.runtime.policy import is_latest
    from rtseg.runtime.request import open_request
    from rtseg.runtime.style import Style

    opacity = Style.opacity if config.opacity is None else config.opacity
    with Opened() as opened:
        source = opened.add(open_request(config.source, policy=config.policy, watched=False))
        check_outputs(config, source.files)
        segmenter = opened.add(config.network.load("live" if is_latest(source, config.policy) else "offline"))
        sinks, written = _sinks(config, source, segmenter)
        frames = config.frames or (_DEMO_FRAMES if config.source.is_demo else None)
        pipeline = opened.used_by(
            Pipeline(
                source,
                segmenter,
                sinks=sinks,
                policy=config.policy,
                style=Style(opacity, config.classes),
                max_frames=frames,
                max_age_ms=config.max_age_ms,
                ladder=opened.add(ladder(config, source, segmenter)) if config.adaptive else None,
            )
        )
        console.print(f"{what_runs(pipeline)} Ctrl-C to stop.")
        with told(pipeline, console, config.stats):
            watch(pipeline, console, total=frames or source.frame_count)
    return [*written, *([config.stats] if config.stats is not None else [])]


def _sinks(config: RunConfig, source: Source, segmenter: Segmenter) -> tuple[list[Sink], list[Path]]:
    """The sinks, and the files that they will have written: of the demo always some, to look at."""
    from rtseg.overlay import draw_legend
    from rtseg.video.outputs import make_folder
    from rtseg.video.sinks import LastPictureSink

    if not config.source.is_demo:
        return record_sinks(config.record, source), [config.record] if config.record is not None else []
    make_folder(DEMO_OUTPUT)
    record, picture = config.record or DEMO_OUTPUT / "demo.mp4", DEMO_OUTPUT / "demo.png"
    card = segmenter.card
    last = LastPictureSink(picture, lambda image: draw_legend(image, card.classes, card.palette))
    return [last, *record_sinks(record, source)], [picture, record]
