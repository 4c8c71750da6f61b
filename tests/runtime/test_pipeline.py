"""The loop: complete offline, newest-first live, and a clean end whichever stage dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rtseg.errors import ConfigError
from rtseg.frame import Frame, Segmentation
from rtseg.runtime.channel import ChannelClosed, LatestSlot, StageChannel
from rtseg.runtime.pipeline import Pipeline, Style
from rtseg.runtime.shown import Shown
from rtseg.segmenter import PendingSegmentation, Segmenter, load
from rtseg.video.demo.source import DemoSource
from rtseg.video.source import BaseSource


class Steps(BaseSource):
    """Grey frames that carry their number, as many as asked for, at a pace."""

    def __init__(self, count: int, *, every_s: float = 0.0, live: bool = False, fail_at: int = -1) -> None:
        super().__init__("steps")
        self.live = live
        self._count, self._every_s, self._fail_at = count, every_s, fail_at

    def frames(self) -> Iterator[Frame]:
        for index in range(self._count):
            if index == self._fail_at:
                raise OSError("the source died")
            time.sleep(self._every_s)
            yield Frame("bgr24", (np.full((48, 64, 3), index, np.uint8),), index, time.monotonic_ns())


class Collect:
    """Keeps the indices of what arrives; may be slow, may die."""

    def __init__(self, *, every_s: float = 0.0, fail_at: int = -1) -> None:
        self.indices: list[int] = []
        self.closed = 0
        self._every_s, self._fail_at = every_s, fail_at

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        if len(self.indices) == self._fail_at:
            raise OSError("the sink died")
        time.sleep(self._every_s)
        self.indices.append(segmentation.frame.index)

    def close(self) -> None:
        self.closed += 1


class Dies(Segmenter):
    """A segmenter that fails from its third frame on."""

    def submit(self, frame: Frame, share: float = 1.0) -> PendingSegmentation:
        if frame.index >= 2:
            raise OSError("the network died")
        return super().submit(frame, share)


@pytest.fixture(scope="module")
def segmenter(tiny_model: Path) -> Iterator[Segmenter]:
    with load(str(tiny_model)) as opened:
        yield opened


def test_offline_every_frame_arrives_in_order(segmenter: Segmenter) -> None:
    sink = Collect(every_s=0.002)
    pipeline = Pipeline(Steps(40), segmenter, sinks=[sink])
    pipeline.start()
    assert pipeline.join(timeout=30)
    assert sink.indices == list(range(40))
    assert sink.closed == 1
    assert pipeline.stats.frames_in == pipeline.stats.frames_out == 40
    assert not any(pipeline.dropped().values())


def test_live_a_slow_stage_drops_old_frames_and_the_age_stays_bounded(segmenter: Segmenter) -> None:
    sink = Collect(every_s=0.05)
    pipeline = Pipeline(Steps(200, every_s=0.005, live=True), segmenter, sinks=[sink])
    pipeline.start()
    assert pipeline.join(timeout=30)
    assert sink.indices == sorted(set(sink.indices))
    arrived, dropped = len(sink.indices), sum(pipeline.dropped().values())
    assert arrived + dropped == 200
    assert dropped > 50
    ages = list(pipeline.stats.age_ns)
    # A queue of 200 frames would make the last ones seconds old.
    assert np.median(ages[-5:]) < 3 * np.median(ages[:5]) + 0.2e9


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("stage", ["source", "network", "sink"])
def test_whichever_stage_dies_all_end_and_the_cause_is_raised(
    segmenter: Segmenter, stage: str, live: bool
) -> None:
    source = Steps(10_000, every_s=0.002, live=live, fail_at=3 if stage == "source" else -1)
    sink = Collect(fail_at=1 if stage == "sink" else -1)
    network = Dies(segmenter.model, segmenter.backend) if stage == "network" else segmenter
    view: LatestSlot[Shown] = LatestSlot()
    pipeline = Pipeline(source, network, sinks=[sink], view=view)
    pipeline.start()
    with pytest.raises(OSError, match=f"the {stage} died"):
        pipeline.join(timeout=10)
    assert not pipeline.running
    assert sink.closed == 1
    with pytest.raises(ChannelClosed):
        while True:
            view.get(timeout=1)


def test_stop_ends_an_endless_source(segmenter: Segmenter) -> None:
    sink = Collect()
    pipeline = Pipeline(DemoSource((64, 48)), segmenter, sinks=[sink])
    pipeline.start()
    while pipeline.stats.frames_out < 3:
        assert pipeline.running
        time.sleep(0.01)
    pipeline.stop()
    assert pipeline.join(timeout=5)
    assert sink.closed == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rtseg-")]


def test_a_limit_of_frames_ends_the_run(segmenter: Segmenter) -> None:
    pipeline = Pipeline(Steps(100), segmenter, max_frames=7)
    pipeline.start()
    assert pipeline.join(timeout=10)
    assert pipeline.stats.frames_out == 7


def test_the_summary_has_the_documented_keys_and_adds_up(segmenter: Segmenter) -> None:
    # Some tens of milliseconds: wall_s is rounded to one, and a run of nine would be 5 % off by that alone.
    pipeline = Pipeline(Steps(12, every_s=0.005), segmenter)
    pipeline.start()
    pipeline.join(timeout=10)
    summary = pipeline.stats.summary(segmenter.card.classes, pipeline.drops())
    assert set(summary) == {
        "frames_in", "frames_out", "dropped", "drops", "wall_s", "first_frame_s", "fps", "stages_fps",
        "age_ms", "stages_ms", "stalls", "cpu", "memory_mib", "class_share",
    }  # fmt: skip
    assert set(summary["stages_ms"]) == {"capture", "preprocess", "inference", "overlay", "output"}
    assert sum(summary["class_share"].values()) == pytest.approx(1, abs=1e-3)
    assert summary["fps"] == pytest.approx(12 / summary["wall_s"], rel=0.05)


@pytest.mark.parametrize(
    ("style", "message"), [({"opacity": 1.5}, "between 0"), ({"classes": ("tram",)}, "unknown class 'tram'")]
)
def test_a_style_that_makes_no_sense_is_refused(
    segmenter: Segmenter, style: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Pipeline(Steps(1), segmenter, style=Style(**style))  # type: ignore[arg-type]


def test_hidden_classes_leave_the_picture_untouched(segmenter: Segmenter) -> None:
    seen: list[Frame] = []

    class Keep(Collect):
        def write(self, segmentation: Segmentation, blended: Frame) -> None:
            seen.extend((segmentation.frame, blended))

    pipeline = Pipeline(Steps(3), segmenter, sinks=[Keep()], style=Style(opacity=0.0))
    pipeline.start()
    pipeline.join(timeout=10)
    assert len(seen) == 6
    for given, blended in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(given.planes[0], blended.planes[0])


def test_network_style_and_policy_change_while_it_runs(segmenter: Segmenter, tiny_model: Path) -> None:
    slots: LatestSlot[Shown] = LatestSlot()
    pipeline = Pipeline(DemoSource((64, 48), paced=True), segmenter, view=slots)
    pipeline.start()
    try:
        before = slots.get(timeout=10)
        assert (before.opacity, before.palette) == (0.5, (None, *segmenter.card.palette[1:]))
        pipeline.style = Style(0.8, ("road",), (("road", (1, 2, 3)),))
        pipeline.set_policy("every-frame")
        with load(str(tiny_model)) as other:
            pipeline.switch_to(other)
            deadline = time.monotonic() + 10
            while pipeline.segmenter is segmenter and time.monotonic() < deadline:
                time.sleep(0.01)
            assert pipeline.segmenter is other
            for _ in range(4):  # those that were under way
                after = slots.get(timeout=10)
            assert after.opacity == 0.8
            assert after.palette == (None, (1, 2, 3), None, None)
            dropped = pipeline.dropped()
            time.sleep(0.2)
            for stage in ("inference", "overlay"):
                assert pipeline.dropped()[stage] == dropped[stage], "frames are still left out"
            pipeline.stop()
            assert pipeline.join(timeout=5)
    finally:
        pipeline.stop()


def test_a_queue_that_becomes_a_slot_lets_its_giver_go_on() -> None:
    channel: StageChannel[int] = StageChannel(latest=False)
    given: list[int] = []

    def give() -> None:
        for number in range(10):
            channel.put(number)
            given.append(number)

    giver = threading.Thread(target=give)
    giver.start()
    while len(given) < channel.capacity:
        time.sleep(0.001)
    channel.set_latest(True)
    giver.join(timeout=5)
    assert given == list(range(10))
    assert channel.get(timeout=0) == 9
    assert channel.dropped == 9
