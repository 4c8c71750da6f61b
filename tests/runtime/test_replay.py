"""The last seconds, saved from memory and read again: whole groups, exact times, bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving, times, write_clip

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.preprocess import to_bgr
from rtseg.runtime.replay import Replay
from rtseg.video.file import VideoSource

NO_LOGITS = np.zeros((4, 1, 1), np.float32)
UNEVEN = tuple(index * 3600 + index * index % 7 * 300 for index in range(330))  # 13 s, 1/90000 s each


@pytest.fixture
def replay() -> Iterator[Replay]:
    with_the_default = Replay()
    yield with_the_default
    with_the_default.close()


def feed(replay: Replay, frames: Sequence[Frame]) -> None:
    """One after the other has come to the end: none is left out."""
    for frame in frames:
        before = replay.encoded
        replay.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)
        deadline = time.monotonic() + 10
        while replay.encoded == before:
            assert time.monotonic() < deadline, "the frame was not encoded"
            time.sleep(0.0005)


@pytest.fixture(scope="module")
def clip_frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Of a real video of a variable rate, 13 s long."""
    path = tmp_path_factory.mktemp("clips") / "uneven.mp4"
    write_clip(path, UNEVEN, time_base=Fraction(1, 90_000), codec_options={"preset": "ultrafast"})
    with VideoSource(str(path)) as source:
        return list(source.frames())


def grey(index: int, *, size: tuple[int, int] = (96, 64), pts: int | None = None, at_s: float = 0.0) -> Frame:
    picture = np.full((size[1], size[0], 3), index % 200 + 20, np.uint8)
    return Frame("bgr24", (picture,), index, round(at_s * 1e9), pts, None if pts is None else Fraction(1, 25))


def test_what_is_saved_are_the_last_seconds_each_frame_at_its_own_time(
    replay: Replay, clip_frames: list[Frame], tmp_path: Path
) -> None:
    feed(replay, clip_frames)
    seconds = replay.save(tmp_path / "a.mp4")
    assert 10 <= seconds < 11.5
    with VideoSource(str(tmp_path / "a.mp4")) as source:
        saved = list(source.frames())
    expected = clip_frames[-len(saved) :]
    moments = [Fraction(frame.pts or 0, 90_000) for frame in expected]
    assert [frame.pts * frame.time_base for frame in saved] == [each - moments[0] for each in moments]
    assert seconds == pytest.approx(float(2 * moments[-1] - moments[-2] - moments[0]))
    for one, other in zip(saved[::20], expected[::20], strict=True):
        assert np.abs(to_bgr(one).astype(int) - to_bgr(other)).mean() < 5
        assert one.color == other.color
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        keys = [packet.is_keyframe for packet in container.demux(stream) if packet.size]
        assert keys[0] and 10 <= sum(keys) <= 12
        assert float(stream.duration * stream.time_base) == pytest.approx(seconds)


def test_it_can_be_saved_again_and_after_the_end(
    replay: Replay, clip_frames: list[Frame], tmp_path: Path
) -> None:
    feed(replay, clip_frames[:40])
    replay.save(tmp_path / "a.mp4")
    replay.close()
    replay.close()
    (tmp_path / "b.mp4").write_text("is replaced")
    replay.save(tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert len(times(tmp_path / "a.mp4")) == 40
    feed(replay, clip_frames[:5])  # a new run
    replay.save(tmp_path / "b.mp4")
    assert len(times(tmp_path / "b.mp4")) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_saving_while_frames_come_gives_whole_files(tmp_path: Path) -> None:
    replay = Replay(2.0)
    ended = threading.Event()

    def come() -> None:
        index = 0
        while not ended.is_set():
            feed(replay, [grey(index, pts=index)])
            index += 1

    thread = threading.Thread(target=come)
    thread.start()
    try:
        while replay.encoded < 60:
            time.sleep(0.001)
        for number in range(10):
            seconds = replay.save(tmp_path / f"{number}.mov")
            moments = times(tmp_path / f"{number}.mov")
            assert len(moments) == round(seconds * 25)
            assert moments == [Fraction(index, 25) for index in range(len(moments))]
    finally:
        ended.set()
        thread.join()
        replay.close()


@pytest.mark.parametrize(
    "later",
    [
        [grey(index, size=(64, 96), pts=100 + index) for index in range(5)],
        [grey(index, size=(96, 64), pts=index) for index in range(5)],
        [grey(index, size=(63, 31), at_s=index / 25) for index in range(5)],
    ],
    ids=["another size", "times that go back", "no times, odd sides"],
)
def test_another_source_starts_anew(replay: Replay, later: list[Frame], tmp_path: Path) -> None:
    feed(replay, [grey(index, pts=50 + index) for index in range(30)])
    feed(replay, later)
    assert replay.save(tmp_path / "a.mp4") == pytest.approx(5 / 25, abs=1e-4)
    with VideoSource(str(tmp_path / "a.mp4")) as source:
        saved = list(source.frames())
    assert [float(frame.pts * frame.time_base) for frame in saved] == pytest.approx(
        [index / 25 for index in range(5)], abs=1e-4
    )
    assert {frame.size for frame in saved} == {later[0].size}
    for one, other in zip(saved, later, strict=True):
        assert np.abs(to_bgr(one).astype(int) - to_bgr(other)).mean() < 3


def test_its_memory_is_bounded(tmp_path: Path) -> None:
    replay = Replay(max_bytes=200_000)
    rng = np.random.default_rng(1)
    most = 0
    try:
        for index in range(100):
            noise = rng.integers(0, 256, (64, 96, 3), np.uint8)
            feed(replay, [Frame("bgr24", (noise,), index, 0, index, Fraction(1, 25))])
            most = max(most, replay.memory_bytes)
    finally:
        replay.close()
    assert 100_000 < most < 250_000  # what is over is a group's beginning
    replay.save(tmp_path / "a.mp4")
    assert 5 < len(times(tmp_path / "a.mp4")) < 100


def test_a_busy_encoder_holds_nobody_up(replay: Replay) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3), np.uint8)
    frames = [Frame("bgr24", (noise,), index, 0, index, Fraction(1, 60)) for index in range(30)]
    for frame in frames:
        replay.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)
    replay.close()
    assert 1 <= replay.encoded < 30


def test_what_cannot_be_saved_is_told_and_leaves_nothing(replay: Replay, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no picture has come yet"):
        replay.save(tmp_path / "a.mp4")
    feed(replay, [grey(0, pts=0)])
    for name, message in {
        "a.mkv": "kept as MP4; name it a.mp4",
        "no such/a.mp4": "cannot be written .No such file",
        f"{'a' * 300}.mp4": "cannot be written .File name too long",
    }.items():
        with pytest.raises(SinkError, match=message):
            replay.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert replay.save(tmp_path / "a.mp4") == pytest.approx(1 / 30, abs=0.02)


def test_what_cannot_be_encoded_is_told_once_and_what_came_before_is_kept(
    replay: Replay, tmp_path: Path
) -> None:
    feed(replay, [grey(index, pts=index) for index in range(5)])
    nothing = Frame("bgr24", (np.zeros((0, 0, 3), np.uint8),), 5, 0, 5, Fraction(1, 25))
    with pytest.raises(SinkError, match="the last seconds cannot be kept"):
        while True:
            replay.write(Segmentation(nothing, (NO_LOGITS,), 0, 0), nothing)
    assert replay.save(tmp_path / "a.mp4") == pytest.approx(5 / 25)


def test_pictures_are_what_they_were(replay: Replay, tmp_path: Path) -> None:
    pictures = [np.ascontiguousarray(moving(index)[..., ::-1]) for index in range(3)]
    feed(replay, [Frame("bgr24", (p,), i, 0, i, Fraction(1, 25)) for i, p in enumerate(pictures)])
    replay.save(tmp_path / "a.mp4")
    with VideoSource(str(tmp_path / "a.mp4")) as source:
        for frame, picture in zip(source.frames(), pictures, strict=True):
            assert np.abs(to_bgr(frame).astype(int) - picture).mean() < 8
