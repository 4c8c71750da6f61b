"""Live runs: what is left out and why, what stalls, what is left behind, and whoever watches goes on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip

from rtseg.errors import ConfigError, SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.runtime.channel import ChannelClosed, LatestSlot
from rtseg.runtime.ladder import Ladder, rungs
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.shown import Shown
from rtseg.runtime.stats import Drop
from rtseg.segmenter import PendingSegmentation, Segmenter, load
from rtseg.video.file import VideoSource
from rtseg.video.player import Player
from rtseg.video.source import BaseSource
from rtseg.video.video_sink import VideoSink

ENDED_WITHIN_S = 2.0


class Camera(BaseSource):
    """Grey frames at a pace; some indices are missing, and at one it may wait for long."""

    live = True

    def __init__(
        self, count: int, *, every_s: float = 0.002, missing: tuple[int, ...] = (), waits: float = 0.0
    ) -> None:
        super().__init__("camera")
        self._count, self._every_s, self._missing, self._waits = count, every_s, missing, waits
        self.asked_to_stop = threading.Event()

    def frames(self) -> Iterator[Frame]:
        for index in range(self._count):
            if index in self._missing:
                continue
            self.asked_to_stop.wait(self._waits if index == 3 else self._every_s)
            yield Frame("bgr24", (np.full((48, 64, 3), index % 256, np.uint8),), index, time.monotonic_ns())

    def stop(self) -> None:
        self.asked_to_stop.set()


class Deaf(Camera):
    """A camera that hangs in a call and hears no stop, until the test lets it go."""

    def __init__(self) -> None:
        super().__init__(100)
        self.let_go = threading.Event()

    def frames(self) -> Iterator[Frame]:
        yield next(super().frames())
        self.let_go.wait(30)


class Slow(Segmenter):
    """A network that takes its time."""

    takes_s = 0.05

    def submit(self, frame: Frame, share: float = 1.0) -> PendingSegmentation:
        time.sleep(self.takes_s * share)
        return super().submit(frame, share)


class FullDisk:
    """Takes some frames, then no more."""

    def __init__(self, room: int) -> None:
        self.written = self.closed = 0
        self._room = room

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        if self.written == self._room:
            raise SinkError("out.mp4: cannot be written (No space left on device)")
        self.written += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(scope="module")
def segmenter(tiny_model: Path) -> Iterator[Segmenter]:
    with load(str(tiny_model)) as opened:
        yield opened


def test_what_is_too_old_is_left_out_and_counted_as_such(segmenter: Segmenter) -> None:
    slow = Slow(segmenter.model, segmenter.backend)
    pipeline = Pipeline(Camera(60, every_s=0.01), slow, max_age_ms=20)
    pipeline.start()
    assert pipeline.join(30)
    too_old = [drop for drop in pipeline.drops() if drop.reason == "too old"]
    assert sum(drop.count for drop in too_old) > 0
    assert {drop.stage for drop in too_old} <= {"inference", "overlay", "display"}
    assert all(age_ns < 40e6 for age_ns in pipeline.stats.age_ns)
    assert pipeline.stats.frames_out + sum(pipeline.dropped().values()) == pipeline.stats.frames_in == 60


@pytest.mark.parametrize("rate", [30, 60])
def test_a_recording_in_the_place_of_a_camera(segmenter: Segmenter, tmp_path: Path, rate: int) -> None:
    path = write_clip(tmp_path / "drive.mp4", range(rate // 2), time_base=Fraction(1, rate), rate=rate)
    pipeline = Pipeline(Player(VideoSource(str(path)), keep_open=False), segmenter, policy="latest")
    pipeline.start()
    assert pipeline.join(30)
    stats = pipeline.stats
    assert stats.frames_in == rate // 2
    assert stats.frames_out + sum(pipeline.dropped().values()) == stats.frames_in
    assert stats.wall_s > (rate // 2 - 1) / rate - 0.01  # no faster than it came


def test_a_maximal_age_is_for_the_latest_frame_only(segmenter: Segmenter) -> None:
    with pytest.raises(ConfigError, match="--policy latest"):
        Pipeline(Camera(1), segmenter, policy="every-frame", max_age_ms=20)


def test_gaps_of_the_source_are_counted_as_lost_at_capture(segmenter: Segmenter) -> None:
    pipeline = Pipeline(Camera(30, missing=(4, 5, 20)), segmenter)
    pipeline.start()
    assert pipeline.join(30)
    assert pipeline.drops()[0] == Drop("capture", "lost by the source", 3)
    assert pipeline.dropped()["capture"] == 3
    summary = pipeline.stats.summary(segmenter.classes, pipeline.drops())
    assert summary["dropped"]["capture"] == 3
    assert {"stage": "capture", "reason": "lost by the source", "count": 3} in summary["drops"]
    assert all(drop["count"] for drop in summary["drops"])


def test_a_source_that_stalls_shows_it_in_the_statistics(segmenter: Segmenter) -> None:
    pipeline = Pipeline(Camera(6, waits=1.7), segmenter)
    pipeline.start()
    seen_s = 0.0
    while not pipeline.join(0.05):
        seen_s = max(seen_s, pipeline.stats.waiting_s())
    stalls = pipeline.stats.summary(segmenter.classes, pipeline.drops())["stalls"]
    assert seen_s > 1
    assert stalls["count"] == 1
    assert stalls["longest_s"] == pytest.approx(1.7, abs=0.5)


@pytest.mark.parametrize("policy", ["latest", "every-frame"])
@pytest.mark.parametrize("ended_by", ["stop", "network", "sink", "view"])
def test_a_source_that_hears_nothing_holds_nobody_up(
    segmenter: Segmenter, ended_by: str, policy: str
) -> None:
    class Dies(Segmenter):
        def submit(self, frame: Frame, share: float = 1.0) -> PendingSegmentation:
            raise OSError("the network died")

    source, sink = Deaf(), FullDisk(0 if ended_by == "sink" else 1000)
    view: LatestSlot[Shown] | None = LatestSlot() if ended_by == "view" else None
    network = Dies(segmenter.model, segmenter.backend) if ended_by == "network" else segmenter
    pipeline = Pipeline(source, network, sinks=[sink], policy=policy, view=view)  # type: ignore[arg-type]
    if view is not None:
        view.close()
    pipeline.start()
    try:
        if ended_by == "stop":
            while pipeline.stats.frames_out < 1:
                time.sleep(0.01)
            pipeline.stop()
        if ended_by in {"network", "sink"}:
            with pytest.raises((OSError, SinkError)):
                pipeline.join(ENDED_WITHIN_S)
        else:
            assert pipeline.join(ENDED_WITHIN_S)
        assert pipeline.abandoned
        assert not pipeline.running
        assert sink.closed == 1
    finally:
        source.let_go.set()


def test_who_watches_goes_on_when_the_disk_is_full(
    segmenter: Segmenter, caplog: pytest.LogCaptureFixture
) -> None:
    full, other = FullDisk(3), FullDisk(1000)
    view: LatestSlot[Shown] = LatestSlot()
    pipeline = Pipeline(Camera(40), segmenter, sinks=[full, other], policy="latest", view=view)
    pipeline.start()
    with pytest.raises(SinkError, match="No space left"):
        pipeline.join(30)
    assert pipeline.stats.frames_out == other.written > 3
    assert (full.written, full.closed, other.closed) == (3, 1, 1)
    assert "the window goes on without it" in caplog.text


def test_without_a_window_a_full_disk_ends_the_run_and_keeps_what_there_is(segmenter: Segmenter) -> None:
    full, other = FullDisk(3), FullDisk(1000)
    pipeline = Pipeline(Camera(10_000), segmenter, sinks=[other, full], policy="every-frame")
    pipeline.start()
    with pytest.raises(SinkError, match="No space left"):
        pipeline.join(30)
    assert (full.written, full.closed, other.written, other.closed) == (3, 1, 4, 1)


def test_a_ladder_steps_down_until_frames_are_young_enough(segmenter: Segmenter) -> None:
    slow = Slow(segmenter.model, segmenter.backend)
    shown: list[tuple[int, ...]] = []

    class Watch(FullDisk):
        def write(self, segmentation: Segmentation, blended: Frame) -> None:
            shown.append(segmentation.logits.shape)

    source = Camera(100_000, every_s=0.01)
    with Ladder(rungs(slow), budget_ms=45) as ladder:
        pipeline = Pipeline(source, slow, sinks=[Watch(0)], ladder=ladder)
        pipeline.start()
        try:
            deadline = time.monotonic() + 60
            while len(ladder.steps) < 1 and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            pipeline.stop()
            pipeline.join(10)
    assert ladder.steps[0].before == 0
    summary = ladder.summary()
    assert summary["steps"][0]["from"] == "tiny 64x64"
    assert sum(summary["frames"].values()) >= len(shown)
    with pytest.raises(ChannelClosed):
        pipeline._frames.get(0)


def test_a_full_disk_is_said_and_what_was_written_can_be_played(segmenter: Segmenter, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("needs resource limits")
    import resource

    class Noise(Camera):
        def frames(self) -> Iterator[Frame]:
            rng = np.random.default_rng(0)
            for frame in super().frames():
                yield replace(frame, planes=(rng.integers(0, 256, (240, 320, 3), np.uint8),))

    record = tmp_path / "out.mp4"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file of this process grows over that, which is as good as a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        sinks = [VideoSink(record, rate=Fraction(30))]
        pipeline = Pipeline(Noise(1000), segmenter, sinks=sinks, policy="every-frame")
        pipeline.start()
        with pytest.raises(SinkError, match=r"out\.mp4: cannot be (written|finished)") as caught:
            pipeline.join(60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 0 < pipeline.stats.frames_out < 1000
    assert not pipeline.running
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_size > 1_000_000, caught.value
