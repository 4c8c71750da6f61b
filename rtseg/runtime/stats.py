"""What a run measures: frames, drops, ages and the time of each stage."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEMA = 1
_KEPT = 20_000  # samples a stage, eleven minutes at 30 a second: enough for percentiles, bounded for days
_RATE_WINDOW_S = 2.0


@dataclass
class Stats:
    """Counters and samples. Each field and each stage is written by one thread and read by any."""

    started_ns: int = field(default_factory=time.monotonic_ns)
    ended_ns: int | None = None
    frames_in: int = 0
    frames_out: int = 0
    stage_ns: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT)))
    age_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    out_ns: deque[int] = field(default_factory=lambda: deque(maxlen=240))
    class_pixels: NDArray[np.float64] | None = None

    def frame_out(self, captured_ns: int, pixels: NDArray[np.float64]) -> None:
        """Count a frame that has reached its outputs; pixels is (C,), its histogram of classes."""
        now_ns = time.monotonic_ns()
        self.frames_out += 1
        self.out_ns.append(now_ns)
        self.age_ns.append(now_ns - captured_ns)
        self.class_pixels = pixels if self.class_pixels is None else self.class_pixels + pixels

    @property
    def wall_s(self) -> float:
        """Seconds since the start, or that the run took."""
        return ((self.ended_ns or time.monotonic_ns()) - self.started_ns) / 1e9

    def fps_now(self) -> float:
        """Frames a second over the last two seconds."""
        since = time.monotonic_ns() - _RATE_WINDOW_S * 1e9
        recent = [moment for moment in tuple(self.out_ns) if moment >= since]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) * 1e9 / (recent[-1] - recent[0])

    def summary(self, classes: tuple[str, ...], dropped: dict[str, int]) -> dict[str, Any]:
        """The documented keys of `--stats`, less those that name what was run."""
        total = None if self.class_pixels is None else float(self.class_pixels.sum())
        share = (
            self.class_pixels / total if self.class_pixels is not None and total else np.zeros(len(classes))
        )
        return {
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "dropped": dropped,
            "wall_s": round(self.wall_s, 3),
            "fps": round(self.frames_out / self.wall_s, 2) if self.wall_s > 0 else 0.0,
            "age_ms": percentiles_ms(self.age_ns),
            "stages_ms": {stage: percentiles_ms(samples) for stage, samples in tuple(self.stage_ns.items())},
            "class_share": {name: round(float(part), 5) for name, part in zip(classes, share, strict=True)},
        }


def percentiles_ms(samples_ns: deque[int]) -> dict[str, float]:
    """{"p50": ..., "p95": ...} in milliseconds; zeros without samples."""
    samples = tuple(samples_ns)
    if not samples:
        return {"p50": 0.0, "p95": 0.0}
    p50, p95 = np.percentile(samples, (50, 95)) / 1e6
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}
