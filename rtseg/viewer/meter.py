"""What the window measures of itself and reads from a running pipeline. Knows no Qt."""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from rtseg.frame import Frame
from rtseg.runtime.pipeline import Pipeline

_RECENT = 120  # samples of a median: some seconds, so that it follows what happens now
_RATE_WINDOW_NS = 2_000_000_000


@dataclass(frozen=True)
class Reading:
    """How the pipeline does now. None where nothing has been measured yet."""

    fps: float = 0.0
    inference_ms: float | None = None
    age_ms: float | None = None
    """From the capture of a picture to its being painted."""
    dropped: dict[str, int] = field(default_factory=dict)
    shares: tuple[float, ...] | None = None
    """Of each class in the pictures since the last reading, 0 to 1."""


class Meter:
    """Made and called by the GUI thread; reads counters that the pipeline's threads write."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._shown_ns: deque[int] = deque(maxlen=480)
        self._age_ns: deque[int] = deque(maxlen=_RECENT)
        self._pixels = np.zeros(len(pipeline.segmenter.card.classes))
        self._shares: tuple[float, ...] | None = None

    def shown(self, frame: Frame) -> None:
        """A new frame has just been painted. GUI thread."""
        now_ns = time.monotonic_ns()
        self._shown_ns.append(now_ns)
        self._age_ns.append(now_ns - frame.captured_ns)

    def read(self) -> Reading:
        """GUI thread, a few times a second."""
        # Made a tuple in one step: the inference thread may append at any time.
        inference_ns = tuple(
            islice(reversed(self._pipeline.stats.stage_ns.get("inference", deque())), _RECENT)
        )
        return Reading(
            fps=self._fps(),
            inference_ms=_median_ms(inference_ns),
            age_ms=_median_ms(tuple(self._age_ns)),
            dropped=self._pipeline.dropped(),
            shares=self._live_shares(),
        )

    def _fps(self) -> float:
        since_ns = time.monotonic_ns() - _RATE_WINDOW_NS
        recent = [moment for moment in self._shown_ns if moment >= since_ns]
        return (len(recent) - 1) * 1e9 / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def _live_shares(self) -> tuple[float, ...] | None:
        # The statistics add up over the whole run; what was added since the last reading is the present.
        total = self._pipeline.stats.class_pixels
        if total is not None:
            added = total - self._pixels
            if added.sum() > 0:
                self._pixels = total
                self._shares = tuple((added / added.sum()).tolist())
        return self._shares


def _median_ms(samples_ns: tuple[int, ...]) -> float | None:
    return statistics.median(samples_ns) / 1e6 if samples_ns else None
