"""A recording: whole under its name, or kept beside it when something went wrong."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import times

from rtseg.errors import SinkError
from rtseg.frame import Frame, PixelFormat, Segmentation
from rtseg.preprocess import to_bgr
from rtseg.video.file import VideoSource
from rtseg.video.video_file import MP4_SURVIVES_A_CRASH
from rtseg.video.video_sink import VideoSink

SUFFIXES = ("mp4", "m4v", "mov", "mkv", "ts")
SURVIVING = SUFFIXES if MP4_SURVIVES_A_CRASH else ("mkv", "ts")
NO_LOGITS = np.zeros((4, 1, 1), np.float32)


def frame(index: int, size: tuple[int, int] = (96, 64)) -> Frame:
    """Noise, so that it takes place on the disk."""
    noise = np.random.default_rng(index).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Frame("bgr24", (noise,), index, captured_ns=0, pts=index, time_base=Fraction(1, 25))


def write(sink: VideoSink, frame: Frame) -> None:
    sink.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)


def part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@pytest.fixture(autouse=True)
def no_handle_is_left_open(tmp_path: Path) -> Iterator[None]:
    yield
    handles = Path("/proc/self/fd")
    if handles.is_dir():
        still = [
            target for entry in handles.iterdir() if (target := entry.resolve()).is_relative_to(tmp_path)
        ]
        assert still == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_it_appears_when_it_is_finished(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("the old one")
    sink = VideoSink(path, rate=Fraction(25))
    assert not part_of(path).exists()
    for index in range(30):
        write(sink, frame(index))
    assert path.read_text() == "the old one"
    assert part_of(path).exists()
    sink.close()
    sink.close()
    assert len(times(path)) == 30
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("the old one")
    VideoSink(tmp_path / "a.mp4", rate=None).close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the old one"]


@pytest.mark.parametrize(
    "name",
    ["tcp:127.0.0.1:9.mp4", "-x.mp4", "100%d.mp4", "a b'\"🚗.mp4", "concat:a|b.mkv", "a,b.ts", "#?.mov"],
)
def test_a_name_is_a_name_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    sink = VideoSink(Path(name), rate=None)
    for index in range(3):
        write(sink, frame(index))
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(times(tmp_path / name)) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.avi", r"unknown kind of video '.avi'; name the video a.mp4, or use .mp4 .m4v .mov .mkv .ts"),
        ("a.png", "unknown kind of video '.png'; name the video a.mp4"),
        ("a", "has no ending; name the video a.mp4"),
    ],
)
def test_a_name_that_is_no_video(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SinkError, match=message):
        VideoSink(tmp_path / name, rate=None)


def test_a_frame_of_another_size_ends_it_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    sink = VideoSink(path, rate=None)
    for index in range(5):
        write(sink, frame(index))
    with pytest.raises(
        SinkError, match=r"frame 5 is 32x32, those before it 96x64.*go into a folder. The 5 frames"
    ):
        write(sink, frame(5, (32, 32)))
    sink.close()
    assert len(times(path)) == 5


@pytest.mark.parametrize("pixel_format", ["bgr24", "yuv420p"])
def test_a_live_recording_keeps_its_size_when_the_source_changes_its_own(
    tmp_path: Path, pixel_format: PixelFormat
) -> None:
    def grey(index: int, width: int, height: int) -> Frame:
        planes = [np.full((height, width, 3), 50 + 100 * index, np.uint8)]
        if pixel_format == "yuv420p":
            chroma = np.full((height // 2, width // 2), 128, np.uint8)
            planes = [planes[0][..., 0], chroma, chroma]
        return Frame(pixel_format, tuple(planes), index, 0, index, Fraction(1, 25))

    sink = VideoSink(tmp_path / "a.mkv", rate=None, scales=True)
    write(sink, grey(0, 96, 64))
    write(sink, grey(1, 192, 96))
    sink.close()
    with VideoSource(str(tmp_path / "a.mkv")) as source:
        pictures = [to_bgr(frame) for frame in source.frames()]
    assert [picture.shape for picture in pictures] == [(64, 96, 3)] * 2
    expected = [50, 150] if pixel_format == "bgr24" else [(50 - 16) * 255 / 219, (150 - 16) * 255 / 219]
    assert [picture.mean() for picture in pictures] == pytest.approx(expected, abs=4)


def test_a_folder_that_goes_away(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    sink = VideoSink(tmp_path / "folder" / "a.mp4", rate=None)
    (tmp_path / "folder").rmdir()
    with pytest.raises(SinkError, match=r"a.mp4: cannot be written .No such file or directory"):
        for index in range(100):  # the encoder looks ahead before it gives anything to write
            write(sink, frame(index))
    with pytest.raises(SinkError, match=r"cannot be finished .*; nothing could be written"):
        sink.close()


@pytest.mark.parametrize("suffix", SURVIVING)
def test_what_was_written_can_be_seen_when_the_program_is_killed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    sink = VideoSink(path, rate=Fraction(25))
    for index in range(250):
        write(sink, frame(index))
    shutil.copyfile(part_of(path), tmp_path / f"left.{suffix}")  # what a power cut would leave
    sink.close()
    assert len(times(tmp_path / f"left.{suffix}")) >= 100


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process grows over half a megabyte, which is as good as a full disk."""
    if sys.platform == "win32":
        pytest.skip("needs resource limits")
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", SURVIVING)
def test_a_full_disk_is_told_and_what_was_written_is_kept(
    tmp_path: Path, full_disk: None, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("the old one")
    sink = VideoSink(path, rate=Fraction(25))
    with pytest.raises(SinkError, match=rf"a.{suffix}: cannot be written .File too large"):
        for index in range(500):
            write(sink, frame(index))
    with pytest.raises(
        SinkError, match=rf"cannot be finished .*; what could be written is in .*\.a.{suffix}.part"
    ):
        sink.close()
    sink.close()
    assert path.read_text() == "the old one"
    part_of(path).rename(tmp_path / f"kept.{suffix}")
    assert len(times(tmp_path / f"kept.{suffix}")) >= 25
