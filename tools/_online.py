"""Live runs, measured: in time with a camera, at twice what the machine can do, and from the very start."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtseg.frame import Frame, Segmentation
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.process import memory_mib
from rtseg.segmenter import load
from rtseg.video.player import Player
from rtseg.video.source import BaseSource, open_source

_KEPT_FRAMES = 30
_RUN = """
import sys
from rtseg import viewer
from rtseg.viewer import app
viewer.show = lambda *given, **named: app.show(*given, **named, close_at_end=True)
from rtseg.cli import main
sys.argv = ["rtseg", *sys.argv[1:]]
main()
"""


def thirty_a_second(clip: Path) -> tuple[dict[str, float], int, int]:
    """A 30 fps recording that stands in for a camera -> ages at hand-over, frames dropped, frames in all."""
    with load("street-m", measure=True) as segmenter, open_source(str(clip)) as source:
        pipeline = Pipeline(Player(source, keep_open=False), segmenter, policy="latest")
        pipeline.start()
        pipeline.join()
    summary = pipeline.stats.summary(segmenter.classes, pipeline.drops())
    return summary["age_ms"], sum(summary["dropped"].values()), summary["frames_in"]


class Endless(BaseSource):
    """Decoded frames again and again, at a rate that waits for nobody."""

    live = True

    def __init__(self, frames: list[Frame], rate: float) -> None:
        super().__init__("endless")
        self._frames, self._rate = frames, rate

    def frames(self) -> Iterator[Frame]:
        began = time.monotonic()
        for index, frame in enumerate(itertools.cycle(self._frames)):
            time.sleep(max(0.0, began + index / self._rate - time.monotonic()))
            yield replace(frame, index=index, captured_ns=time.monotonic_ns())


class Ages:
    """Of every frame that comes out, with the moment, and memory every now and then."""

    def __init__(self) -> None:
        self.ages: list[tuple[float, float]] = []
        self.memory: list[tuple[float, float]] = []

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        now_ns = time.monotonic_ns()
        self.ages.append((now_ns / 1e9, (now_ns - segmentation.frame.captured_ns) / 1e6))
        if not self.memory or now_ns / 1e9 - self.memory[-1][0] > 1:
            self.memory.append((now_ns / 1e9, memory_mib()[0] or 0.0))

    def close(self) -> None:
        pass


def overloaded(clip: Path, minutes: float) -> tuple[float, float, float, float]:
    """-> p95 of the age in the first and the last tenth, MiB that memory grew in between, frames a second."""
    with load("street-m", measure=True) as segmenter:
        with open_source(str(clip)) as source:
            frames = list(itertools.islice(source.frames(), _KEPT_FRAMES))
            frames = [
                replace(frame, planes=tuple(plane.copy() for plane in frame.planes)) for frame in frames
            ]
        trial = Pipeline(Endless(frames, 1e6), segmenter, policy="every-frame", max_frames=3 * _KEPT_FRAMES)
        trial.start()
        trial.join()
        rate = 2 * trial.stats.frames_out / trial.stats.wall_s
        sink = Ages()
        pipeline = Pipeline(Endless(frames, rate), segmenter, sinks=[sink])
        pipeline.start()
        pipeline.join(60 * minutes)
        pipeline.stop()
        pipeline.join()
    began, ended = sink.ages[0][0], sink.ages[-1][0]
    tenth = (ended - began) / 10
    first = [age for moment, age in sink.ages if moment < began + tenth]
    last = [age for moment, age in sink.ages if moment > ended - tenth]
    settled = [memory for moment, memory in sink.memory if moment < began + tenth]
    grown = sink.memory[-1][1] - settled[-1]
    return float(np.percentile(first, 95)), float(np.percentile(last, 95)), grown, rate


def first_frame_s(clip: Path, rounds: int) -> tuple[float, str]:
    """-> seconds of a whole process that shows one frame and ends, and how it was shown."""
    from rtseg import viewer

    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    before = os.environ.get("QT_QPA_PLATFORM")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    windowed = viewer.unavailable() is None
    os.environ.pop("QT_QPA_PLATFORM") if before is None else os.environ.update(QT_QPA_PLATFORM=before)
    options = ["run", "--source", str(clip), "--frames", "1"] + ([] if windowed else ["--no-display"])
    command = [sys.executable, "-c", _RUN] if windowed else [sys.executable, "-m", "rtseg"]
    spent = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run([*command, *options], env=environment, check=True, capture_output=True)
        spent.append(time.perf_counter() - began)
    how = "a process that opens a window, shows one and ends" if windowed else "without a window"
    return statistics.median(spent[1:]), how
