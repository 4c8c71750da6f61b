"""What a run has with a window and without one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtseg.cli.run import RunConfig
    from rtseg.runtime.ladder import Ladder
    from rtseg.runtime.pipeline import Pipeline
    from rtseg.segmenter import Segmenter
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source

_USUAL_RATE = 30
_SMALLER = {"street-m": "street-s"}


def check_outputs(config: RunConfig, inputs: Iterable[Path]) -> None:
    """Refuse outputs that cannot be written, or would take the place of an input. Raises SinkError."""
    from rtseg.video.outputs import check_output

    existing = [path for path in inputs if path.exists()]
    for output in (config.record, config.stats):
        if output is not None:
            check_output(output, overwrite=config.overwrite, inputs=existing)


def record_sinks(record: Path | None, source: Source) -> list[Sink]:
    """What writes the recording, if there is to be one."""
    from rtseg.video.video_sink import VideoSink

    return [] if record is None else [VideoSink(record, rate=source.rate, scales=source.live)]


def ladder(config: RunConfig, source: Source, segmenter: Segmenter) -> Ladder:
    """From the segmenter's own network down; to the smaller model too, if it knows the same classes."""
    from dataclasses import replace

    from rtseg.card import shipped_models
    from rtseg.runtime.ladder import Ladder, rungs

    smaller = None
    name = _SMALLER.get(segmenter.name)
    if name in shipped_models():
        smaller = replace(config.network, model=name).load("live")
        if (smaller.card.classes, smaller.card.palette) != (segmenter.card.classes, segmenter.card.palette):
            smaller.close()
            smaller = None
    budget_ms = config.max_age_ms or 1000 / float(source.rate or _USUAL_RATE)
    return Ladder(rungs(segmenter, smaller), budget_ms, owned=() if smaller is None else (smaller,))


def what_runs(pipeline: Pipeline) -> str:
    """One sentence: network, backend, source."""
    segmenter = pipeline.segmenter
    return (
        f"{segmenter.name} on {segmenter.backend.name} ({segmenter.backend.precision}), source "
        f"{pipeline.source.name}."
    )
