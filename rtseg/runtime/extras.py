"""What the first loop of a session has beside the others, and how it begins with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.ladder import Ladder
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.policy import Policy
from rtseg.runtime.shown import Shown
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter
from rtseg.video.sinks import Sink
from rtseg.video.source import Source


@dataclass(frozen=True)
class Extras:
    """Nothing, unless it is said."""

    sinks: Callable[[Source, Segmenter], Sequence[Sink]] | None = None
    ladder: Callable[[Source, Segmenter], Ladder] | None = None
    max_frames: int | None = None
    max_age_ms: float | None = None

    def begin(
        self, source: Source, segmenter: Segmenter, policy: Policy, style: Style, view: LatestSlot[Shown]
    ) -> Pipeline:
        """A loop that runs; its ladder is the caller's to close. Where it cannot begin, nothing is left."""
        with ExitStack() as undone:
            ladder = self.ladder(source, segmenter) if self.ladder else None
            if ladder is not None:
                undone.callback(ladder.close)
            sinks = self.sinks(source, segmenter) if self.sinks else ()
            for sink in sinks:
                undone.callback(sink.close)
            pipeline = Pipeline(
                source,
                segmenter,
                sinks=sinks,
                policy=policy,
                style=style,
                max_frames=self.max_frames,
                max_age_ms=self.max_age_ms,
                ladder=ladder,
                view=view,
            )
            pipeline.start()
            undone.pop_all()
        return pipeline
