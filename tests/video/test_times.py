"""Presentation times, from a video through planes into a new video: exactly what they were."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import times, write_clip

from rtseg.frame import Frame, Segmentation
from rtseg.video.file import VideoSource
from rtseg.video.video_sink import VideoSink

EXACT = {"mp4", "mov"}
MS = Fraction(1, 1000)
NO_LOGITS = np.zeros((4, 1, 1), np.float32)
NTSC = Fraction(30000, 1001)
RATES: dict[str, tuple[list[int], Fraction, Fraction | int]] = {
    "25": (list(range(30)), Fraction(1, 25), 25),
    "ntsc": ([1001 * index for index in range(30)], Fraction(1, 30000), NTSC),
    "variable": ([0, 3000, 6001, 9500, 9600, 20000, 90000, 93003, 200000], Fraction(1, 90000), 30),
    "late start": ([1001 * (index + 7) for index in range(30)], Fraction(1, 30000), NTSC),
    "gaps": ([*range(10), *range(60, 70), *range(900, 905)], Fraction(1, 25), 25),
}
INPUTS = [
    (container, kind)
    for container in ("mp4", "mov", "mkv", "ts", "avi")
    for kind in RATES
    if container != "avi" or kind in {"25", "ntsc", "gaps"}  # AVI knows neither times nor a start
]


def copy_through(source_path: Path, sink_path: Path) -> None:
    with VideoSource(str(source_path)) as source:
        sink = VideoSink(sink_path, rate=source.rate)
        for frame in source.frames():
            sink.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)
        sink.close()


@pytest.mark.parametrize(("container", "kind"), INPUTS)
def test_times_come_out_as_they_went_in(tmp_path: Path, container: str, kind: str) -> None:
    pts, time_base, rate = RATES[kind]
    path = write_clip(
        tmp_path / f"in.{container}",
        pts,
        time_base=time_base,
        rate=rate,
        codec="mpeg4" if container == "avi" else "libx264",
        container_options={"movie_timescale": str(time_base.denominator)} if container in EXACT else {},
    )
    before = times(path)
    assert len(before) == len(pts)
    if container in EXACT:  # the others round and move what they are given, which is up to whoever wrote them
        assert before == [moment * time_base for moment in pts]

    copy_through(path, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == before

    for name, tick in (("out.mkv", MS), ("out.ts", Fraction(1, 90000))):
        copy_through(path, tmp_path / name)
        after = times(tmp_path / name)
        assert len(after) == len(before)
        assert max(abs(one - other) for one, other in zip(after, before, strict=True)) <= tick / 2


def write_frames(path: Path, frames: list[Frame]) -> list[Fraction]:
    sink = VideoSink(path, rate=Fraction(25))
    for frame in frames:
        sink.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)
    sink.close()
    return times(path)


def camera_frame(index: int, captured_ns: int, pts: int | None = None) -> Frame:
    picture = np.full((32, 32, 3), index, np.uint8)
    return Frame("bgr24", (picture,), index, captured_ns, pts, None if pts is None else Fraction(1, 25))


def test_without_times_the_clock_of_the_capture_counts(tmp_path: Path) -> None:
    moments = write_frames(
        tmp_path / "camera.mp4",
        [camera_frame(n, 10**15 + ms * 10**6) for n, ms in enumerate((0, 33, 90, 500))],
    )
    assert moments == [ms * MS for ms in (0, 33, 90, 500)]


def test_frames_before_zero_are_not_lost(tmp_path: Path) -> None:
    """Players leave out what lies before zero, so the whole video is moved."""
    moments = write_frames(tmp_path / "early.mp4", [camera_frame(n, 0, n - 3) for n in range(8)])
    assert moments == [Fraction(n, 25) for n in range(8)]


def test_frames_of_one_time_follow_each_other(tmp_path: Path) -> None:
    moments = write_frames(
        tmp_path / "same.mp4", [camera_frame(n, 0, pts) for n, pts in enumerate((0, 1, 1, 1, 5))]
    )
    assert moments == [Fraction(pts, 25) for pts in (0, 1, 2, 3, 5)]
