"""What the window measures of itself and reads from a running pipeline. Knows no Qt."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from rtseg.frame import Frame
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.process import memory_mib
from rtseg.video.player import ENDED, PAUSED
from rtseg.video.source import PLAYING

_RECENT = 120  # samples of a median: some seconds, so that it follows what happens now
_RATE_WINDOW_NS = 2_000_000_000
_CPU_WINDOW_S = 1.0
_STALLED_S = 2.0


@dataclass(frozen=True)
class Reading:
    """How the pipeline does now. None where nothing has been measured yet."""

    fps: float = 0.0
    capture_fps: float = 0.0
    inference_fps: float = 0.0
    inference_ms: float | None = None
    age_ms: float | None = None
    """From the capture of a picture to its being painted."""
    age_p95_ms: float | None = None
    cpu: float | None = None
    """Processors that this process keeps busy: 1.5 is one and a half of them."""
    memory_mib: float | None = None
    trouble: str = ""
    """What keeps the source from giving pictures, in words; empty while they come."""
    rung: str = ""
    """Network and input size of the moment, where they change."""
    dropped: dict[str, int] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    """What each stage takes for a frame; that of capture includes the wait for the source."""
    shares: dict[str, float] = field(default_factory=dict)
    """Of each class in the pictures since the last reading, 0 to 1."""


class Meter:
    """Made and called by the GUI thread; reads counters that the pipeline's threads write."""

    def __init__(self, pipeline: Pipeline, not_painted: Callable[[], int] = lambda: 0) -> None:
        """not_painted counts frames that came out of the pipeline and not to the screen."""
        self._pipeline = pipeline
        self._not_painted = not_painted
        self._not_painted_before = not_painted()
        self._shown_ns: deque[int] = deque(maxlen=480)
        self._age_ns: deque[int] = deque(maxlen=_RECENT)
        self._last_ns: int | None = None
        self._some_play = False
        self._pixels: dict[str, int] = {}
        self._shares: dict[str, float] = {}
        self._cpu: float | None = None
        self._cpu_at = time.monotonic(), time.process_time()

    def shown(self, frame: Frame) -> None:
        """It has just been painted; once more in another view or style it counts nowhere. GUI thread."""
        if frame.captured_ns == self._last_ns:
            return
        self._last_ns = frame.captured_ns
        self._some_play = any(tile.playing for tile in frame.tiles)
        now_ns = time.monotonic_ns()
        self._shown_ns.append(now_ns)
        self._age_ns.append(now_ns - frame.captured_ns)

    def read(self) -> Reading:
        """GUI thread, a few times a second."""
        stages_ms = self._stages_ms()
        stats, ladder = self._pipeline.stats, self._pipeline.ladder
        trouble = self._trouble()
        # What is on the screen then is older than any of these, but where the others of a grid play on.
        ages_ns = () if trouble and not self._some_play else tuple(self._age_ns)
        return Reading(
            fps=self._fps(),
            capture_fps=stats.fps_now("capture"),
            inference_fps=stats.fps_now("inference"),
            inference_ms=stages_ms.get("inference"),
            age_ms=_median_ms(ages_ns),
            age_p95_ms=float(np.percentile(ages_ns, 95)) / 1e6 if ages_ns else None,
            cpu=self._busy(),
            memory_mib=memory_mib()[0],
            trouble=trouble,
            rung="" if ladder is None else ladder.current,
            dropped=self._dropped(),
            stages_ms=stages_ms,
            shares=self._live_shares(),
        )

    def _dropped(self) -> dict[str, int]:
        dropped = self._pipeline.dropped()
        return dropped | {"display": dropped["display"] + self._not_painted() - self._not_painted_before}

    def _stages_ms(self) -> dict[str, float]:
        medians = {}
        for stage, samples_ns in tuple(self._pipeline.stats.stage_ns.items()):
            # Made a tuple in one step: the stage's thread may append at any time.
            median = _median_ms(tuple(islice(reversed(samples_ns), _RECENT)))
            if median is not None:
                medians[stage] = median
        return medians

    def _fps(self) -> float:
        since_ns = time.monotonic_ns() - _RATE_WINDOW_NS
        recent = [moment for moment in self._shown_ns if moment >= since_ns]
        return (len(recent) - 1) * 1e9 / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def _busy(self) -> float | None:
        wall_s, cpu_s = time.monotonic(), time.process_time()
        since_s = wall_s - self._cpu_at[0]
        if since_s >= _CPU_WINDOW_S:  # less than a second says more of the moment than of the run
            self._cpu = (cpu_s - self._cpu_at[1]) / since_s
            self._cpu_at = wall_s, cpu_s
        return self._cpu

    def _trouble(self) -> str:
        source, waiting_s = self._pipeline.source, self._pipeline.stats.waiting_s()
        if source.state in {PAUSED, ENDED}:
            return ""
        if source.state != PLAYING:
            return source.state
        return f"no picture for {waiting_s:.0f} s" if waiting_s > _STALLED_S else ""

    def _live_shares(self) -> dict[str, float]:
        # The statistics add up over the whole run; what was added since the last reading is the present.
        pixels = self._pipeline.stats.class_pixels
        added = {name: count - self._pixels.get(name, 0) for name, count in pixels.items()}
        if total := sum(added.values()):
            self._pixels = pixels
            self._shares = {name: count / total for name, count in added.items()}
        return self._shares


def _median_ms(samples_ns: tuple[int, ...]) -> float | None:
    return statistics.median(samples_ns) / 1e6 if samples_ns else None
