"""Offline runs of a clip, measured: rtseg's pipeline, or anything else, with the CPU time of all threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np

from rtseg.frame import Frame, Segmentation
from rtseg.runtime.pipeline import Pipeline
from rtseg.segmenter import Segmenter
from rtseg.threads import processors
from rtseg.video.source import open_source
from rtseg.video.video_sink import ENCODER_OPTIONS, VideoSink

T = TypeVar("T")
S = TypeVar("S")
_COMPARED = 60  # pictures whose quality is compared
_JIFFIES_S = 100  # a second of /proc/stat, on every Linux that matters


@dataclass(frozen=True)
class Offline:
    """A run through a clip."""

    fps: float
    cpu_ms: float
    """Of all threads, a frame."""
    efficiency: float
    """CPU time over wall time times processors."""
    of_what_was_left: float | None
    """The same, of the processors' time that no other process had."""

    @staticmethod
    def measure(work: Callable[[], int]) -> Offline:
        """work returns its number of frames."""
        busy, cpu, wall = _busy_s(), time.process_time(), time.perf_counter()
        frames = work()
        cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
        available_s = wall_s * processors()
        left = None
        if busy is not None and (busy_after := _busy_s()) is not None:
            others_s = max(0.0, busy_after - busy - cpu_s)
            left = min(1.0, cpu_s / max(cpu_s, available_s - others_s))
        return Offline(frames / wall_s, 1e3 * cpu_s / frames, cpu_s / available_s, left)

    @staticmethod
    def of_decoding(clip: Path) -> Offline:
        """The decoder alone, as the pipeline uses it."""
        with open_source(str(clip)) as source:
            return Offline.measure(lambda: sum(1 for _ in source.frames()))


def run_offline(segmenter: Segmenter, clip: Path, out: Path | None = None) -> Offline:
    """rtseg's pipeline over every frame, and into a video if asked for."""

    def work() -> int:
        with open_source(str(clip)) as source:
            sinks = [] if out is None else [VideoSink(out, rate=source.rate or Fraction(30))]
            pipeline = Pipeline(source, segmenter, sinks=sinks, policy="every-frame")
            pipeline.start()
            pipeline.join()
        return pipeline.stats.frames_out

    return Offline.measure(work)


def turns(rounds: int, one: Callable[[], T], other: Callable[[], S]) -> list[tuple[T, S]]:
    """Both in turns, after a first round that warms caches and compiles."""
    return [(one(), other()) for _ in range(rounds + 1)][1:]


def quality_db(segmenter: Segmenter, clip: Path, folder: Path) -> tuple[float, float]:
    """PSNR of the luma as rtseg encodes it and as `cv2.VideoWriter` does, in files of the same size.

    Both are given the same pictures, the luma that the pipeline gives its sinks. OpenCV's writer chooses its
    own rate, and x264 is told to keep to it.
    """

    class Keep:
        def __init__(self) -> None:
            self.pictures: list[np.ndarray] = []

        def write(self, segmentation: Segmentation, blended: Frame) -> None:
            self.pictures.append(blended.planes[0].copy())

        def close(self) -> None:
            pass

    kept = Keep()
    with open_source(str(clip)) as source:
        pipeline = Pipeline(source, segmenter, sinks=[kept], policy="every-frame", max_frames=_COMPARED)
        pipeline.start()
        pipeline.join()
    pictures = [cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR) for luma in kept.pictures]
    theirs, mine = folder / "theirs.mp4", folder / "mine.mp4"
    height, width = kept.pictures[0].shape
    writer = cv2.VideoWriter(str(theirs), cv2.VideoWriter.fourcc(*"mp4v"), 30, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    rate = theirs.stat().st_size * 8 * 30 / len(pictures)
    with av.open(str(mine), "w") as container:
        options = {key: value for key, value in ENCODER_OPTIONS.items() if key != "crf"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", int(rate)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return _psnr(mine, kept.pictures), _psnr(theirs, kept.pictures)


def _psnr(path: Path, expected: list[np.ndarray]) -> float:
    with av.open(str(path)) as container:
        errors = [
            np.mean((frame.to_ndarray(format="gray").astype(np.float32) - luma) ** 2)
            for frame, luma in zip(container.decode(video=0), expected, strict=True)
        ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def _busy_s() -> float | None:
    """CPU time of all processes so far, where /proc tells."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / _JIFFIES_S
