"""What a run measures: frames, drops, ages, the time of each stage, and what it takes of the machine."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rtseg.frame import UInt8Array
from rtseg.runtime.process import memory_mib
from rtseg.threads import processors

SCHEMA = 1
NEWER = "newer frame came"
TOO_OLD = "too old"
LOST = "lost by the source"
STOPPED = "the run was stopped"
_KEPT = 20_000  # samples a stage, eleven minutes at 30 a second: enough for percentiles, bounded for days
_RATE_WINDOW_S = 2.0
_STALL_S = 1.5  # without a frame; a recording's gaps are shown as one second at the longest
_OUTPUT = "output"


@dataclass(frozen=True)
class Drop:
    """So many frames fell out before this stage."""

    stage: str
    reason: str
    count: int


@dataclass
class Stats:
    """Counters and samples. Each field and each stage is written by one thread and read by any."""

    started_ns: int = field(default_factory=time.monotonic_ns)
    ended_ns: int | None = None
    first_out_ns: int | None = None
    frames_in: int = 0
    frames_out: int = 0
    lost: int = 0
    """Frames that the source did not give, by the gaps in their index."""
    stage_ns: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT)))
    stage_cpu_ns: dict[str, int] = field(default_factory=dict)
    """CPU time of the thread of each stage; decoder, network and encoder have threads of their own too."""
    age_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """From the capture of a frame to its hand-over to the display, or to the outputs where there is none."""
    class_pixels: dict[str, int] = field(default_factory=dict)
    """Of each class so far. Replaced by every frame and never changed, so that any thread may read it."""
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(stage, reason) -> frames, of what the stages themselves leave out."""
    stalls_s: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    """Waits for the source that were too long for a live picture."""
    waiting_since_ns: int | None = None
    """When the wait for the next frame of the source began, while there is one."""

    def __post_init__(self) -> None:
        self._cpu_ns = time.process_time_ns()
        self._cpu_ended_ns: int | None = None
        self._passed: dict[str, deque[int]] = {}
        self._counts: Counter[str] = Counter()

    def begin(self) -> None:
        """The run starts now."""
        self.started_ns = time.monotonic_ns()
        self._cpu_ns = time.process_time_ns()

    def end(self) -> None:
        """A stage has ended; the last one to do so ends the run."""
        self.ended_ns = time.monotonic_ns()
        self._cpu_ended_ns = time.process_time_ns()

    def passed(self, stage: str) -> None:
        """A frame has passed this stage; called by its thread."""
        self._passed.setdefault(stage, deque(maxlen=240)).append(time.monotonic_ns())
        self._counts[stage] += 1

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes for a frame; called by its thread."""
        started_ns = time.perf_counter_ns()
        yield
        self.stage_ns[stage].append(time.perf_counter_ns() - started_ns)

    def worked(self, stage: str) -> None:
        """Note the CPU time of this stage's thread; called by it."""
        self.stage_cpu_ns[stage] = time.thread_time_ns()

    def wait_began(self) -> None:
        """The source is asked for a frame."""
        self.waiting_since_ns = time.monotonic_ns()

    def wait_ended(self) -> None:
        """The source gave a frame, or its end."""
        if (waited_s := self.waiting_s()) >= _STALL_S:
            self.stalls_s.append(waited_s)
        self.waiting_since_ns = None

    def waiting_s(self) -> float:
        """How long the source has been waited for by now."""
        since_ns = self.waiting_since_ns
        return 0.0 if since_ns is None else (time.monotonic_ns() - since_ns) / 1e9

    def handed_over(self, captured_ns: int) -> int:
        """A frame goes to the display and the outputs; -> its age in nanoseconds."""
        now_ns = time.monotonic_ns()
        self.age_ns.append(now_ns - captured_ns)
        if self.first_out_ns is None:
            self.first_out_ns = now_ns
        return now_ns - captured_ns

    def frame_out(self, pixels: dict[str, int]) -> None:
        """Count a frame that has reached its outputs; pixels is its histogram of classes."""
        self.frames_out += 1
        before = self.class_pixels
        self.class_pixels = before | {name: before.get(name, 0) + count for name, count in pixels.items()}
        self.passed(_OUTPUT)

    @property
    def wall_s(self) -> float:
        """Seconds since the start, or that the run took."""
        return ((self.ended_ns or time.monotonic_ns()) - self.started_ns) / 1e9

    @property
    def cpu_s(self) -> float:
        """CPU time of the whole process since the start, in all its threads."""
        return ((self._cpu_ended_ns or time.process_time_ns()) - self._cpu_ns) / 1e9

    def fps_now(self, stage: str = _OUTPUT) -> float:
        """Frames a second that passed this stage over the last two seconds."""
        since = time.monotonic_ns() - _RATE_WINDOW_S * 1e9
        recent = [moment for moment in tuple(self._passed.get(stage, ())) if moment >= since]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) * 1e9 / (recent[-1] - recent[0])

    def summary(self, classes: tuple[str, ...], drops: Iterable[Drop]) -> dict[str, Any]:
        """The documented keys of `--stats`, less those that name what was run."""
        pixels = self.class_pixels or dict.fromkeys(classes, 0)
        total = sum(pixels.values()) or 1
        drops = tuple(drops)
        wall_s = self.wall_s
        first_ns = self.first_out_ns
        stages = {
            "capture": self.frames_in,
            "inference": self._counts["inference"],
            "display": self.frames_out,
        }
        return {
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "dropped": by_stage(drops),
            "drops": [asdict(drop) for drop in drops if drop.count],
            "wall_s": round(wall_s, 3),
            "first_frame_s": None if first_ns is None else round((first_ns - self.started_ns) / 1e9, 3),
            "fps": _rate(self.frames_out, wall_s),
            "stages_fps": {stage: _rate(count, wall_s) for stage, count in stages.items()},
            "age_ms": percentiles_ms(self.age_ns),
            "stages_ms": {stage: percentiles_ms(samples) for stage, samples in tuple(self.stage_ns.items())},
            "stalls": {
                "count": len(self.stalls_s),
                "seconds": round(sum(self.stalls_s), 2),
                "longest_s": round(max(self.stalls_s, default=0.0), 2),
            },
            "cpu": self._cpu(wall_s),
            "memory_mib": dict(zip(("now", "peak"), memory_mib(), strict=True)),
            "class_share": {name: round(count / total, 5) for name, count in pixels.items()},
        }

    def _cpu(self, wall_s: float) -> dict[str, Any]:
        cpu_s = self.cpu_s
        available_s = wall_s * processors()
        return {
            "processors": processors(),
            "seconds": round(cpu_s, 3),
            "ms_per_frame": round(1e3 * cpu_s / self.frames_out, 2) if self.frames_out else None,
            "stages_s": {stage: round(ns / 1e9, 3) for stage, ns in tuple(self.stage_cpu_ns.items())},
            "efficiency": round(cpu_s / available_s, 3) if available_s > 0 else 0.0,
        }


def by_stage(drops: Iterable[Drop]) -> dict[str, int]:
    """Frames that fell out before each stage, for whatever reason."""
    counts: dict[str, int] = {}
    for drop in drops:
        counts[drop.stage] = counts.get(drop.stage, 0) + drop.count
    return counts


def percentiles_ms(samples_ns: Iterable[int]) -> dict[str, float]:
    """{"p50": ..., "p95": ..., "p99": ...} in milliseconds; zeros without samples."""
    samples = tuple(samples_ns)
    values = np.percentile(samples, (50, 95, 99)) / 1e6 if samples else np.zeros(3)
    return {name: round(float(value), 3) for name, value in zip(("p50", "p95", "p99"), values, strict=True)}


def _rate(count: int, wall_s: float) -> float:
    return round(count / wall_s, 2) if wall_s > 0 else 0.0


def class_pixels(class_map: UInt8Array, classes: tuple[str, ...], share: float) -> dict[str, int]:
    """Pixels of each class. Of a few classes this takes half the time of cv2.calcHist.

    share is the part of the pixels that is video; the others are zero and count nowhere.
    """
    counts = [int(np.count_nonzero(class_map == index)) for index in range(1, len(classes))]
    background = max(0, round(class_map.size * share) - sum(counts))
    return dict(zip(classes, (background, *counts), strict=True))
