"""Video files that are whole, cut off, damaged, or no videos at all."""

from __future__ import annotations

import itertools
import os
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving, times, write_clip

from rtseg.errors import SourceError
from rtseg.video.file import VideoSource
from rtseg.video.player import Player

FRAMES = 60


def noisy(index: int) -> np.ndarray:
    """Half noise, so that each frame takes some thousand bytes."""
    picture = moving(index)
    picture[32:] = np.random.default_rng(index).integers(0, 256, (32, 96, 3))
    return picture


def noisy_clip(path: Path, **options: str) -> Path:
    return write_clip(
        path, range(FRAMES), picture=noisy, codec_options={"g": "20"}, container_options=options
    )


def cut(path: Path, share: float = 0.6) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def read(path: Path) -> tuple[int, list[str]]:
    """How many frames there are, and what is said to be wrong."""
    with VideoSource(str(path)) as source:
        return len(list(source.frames())), source.troubles


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.avi", "a.h264"])
def test_a_whole_video_has_no_troubles(tmp_path: Path, name: str) -> None:
    assert read(noisy_clip(tmp_path / name)) == (FRAMES, [])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"movflags": "faststart"}),
        ("a.mkv", {}),
        ("a.avi", {}),
    ],
)
def test_a_video_cut_off_gives_what_is_there_and_says_so(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    path = noisy_clip(tmp_path / name, **options)
    cut(path)
    frames, troubles = read(path)
    assert FRAMES * 0.5 < frames < FRAMES * 0.65
    assert len(troubles) == 1
    assert "is cut off: 1." in troubles[0]
    assert f"of 2.4 s could be read, {frames} frames" in troubles[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.ts", {}), ("a.h264", {}), ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"})],
)
def test_a_stream_cut_off_gives_what_is_there(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    """It is made to be cut anywhere: nothing in it says how long it was."""
    path = noisy_clip(tmp_path / name, **options)
    cut(path)
    assert FRAMES * 0.5 < read(path)[0] < FRAMES * 0.65


def test_an_mp4_cut_off_before_its_index_is_refused(tmp_path: Path) -> None:
    path = noisy_clip(tmp_path / "a.mp4")
    cut(path)
    with pytest.raises(
        SourceError, match=r"a.mp4: is no video that can be read: .* cut off before its index"
    ):
        VideoSource(str(path))


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.h264"])
def test_damage_in_the_middle_costs_only_the_frames_that_it_hit(tmp_path: Path, name: str) -> None:
    path = noisy_clip(tmp_path / name)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = random.Random(1).randbytes(2000)
    path.write_bytes(data)
    frames, troubles = read(path)
    assert FRAMES * 0.8 <= frames <= FRAMES
    if name in {"a.mp4", "a.ts"}:  # of the others FFmpeg leaves broken parts out without a word
        assert "is damaged" in troubles[0]


def test_an_edit_list_is_no_damage(tmp_path: Path) -> None:
    """A video trimmed without encoding anew holds frames that are not to be shown."""
    path = write_clip(tmp_path / "trimmed.mp4", range(-20, 20))
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 40
    assert read(path) == (20, [])


def test_a_long_last_frame_is_not_missing(tmp_path: Path) -> None:
    """Of a screen recording: a frame a change, and the last one stays."""
    assert read(write_clip(tmp_path / "a.mp4", [0, 1, 2, 3, 200, 400]))[1] == []


def zero_frames(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        container.start_encoding()


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, index * 1024, Fraction(1, 16000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("text.mp4", lambda path: path.write_text("dear diary\n" * 99), "no video that can be read"),
        ("notes.txt", lambda path: path.write_text("dear diary\n" * 99), "is text; expected a video"),
        ("empty.mp4", lambda path: path.touch(), "no video that can be read"),
        ("zero.mp4", zero_frames, "has no frame that can be decoded|no video"),
        ("zero.mkv", zero_frames, "has no frame that can be decoded|no video"),
        ("sound.mp4", audio_only, "has no video in it, only audio"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, make: object, message: str) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    with pytest.raises(SourceError, match=message), VideoSource(str(path)) as source:
        list(source.frames())


def test_times_are_made_up_where_there_are_none(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "raw.h264", range(20))
    assert times(path) == [Fraction(index, 25) for index in range(20)]


def test_times_never_go_back(tmp_path: Path) -> None:
    """AVI has the times of decoding only, which B-frames put out of order."""
    moments = times(write_clip(tmp_path / "b.avi", range(40), codec_options={"bf": "3"}))
    assert len(moments) == 40
    assert all(after > before for before, after in itertools.pairwise(moments))


def test_planes_stay_as_they_are_while_decoding_goes_on(tmp_path: Path) -> None:
    """They are views of the decoder's memory, which must not be used anew while anybody has them."""
    for pix_fmt in ("yuv420p", "yuv422p"):
        path = write_clip(tmp_path / f"{pix_fmt}.mp4", range(200), pix_fmt=pix_fmt)
        with VideoSource(str(path)) as source:
            kept = []
            for frame in source.frames():
                kept.append((frame, [plane.copy() for plane in frame.planes]))
        for frame, copies in kept:
            for plane, copy in zip(frame.planes, copies, strict=True):
                np.testing.assert_array_equal(plane, copy)
        assert len({bytes(copies[0]) for _, copies in kept}) > 100


def test_closing_twice_is_harmless_and_frees_the_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", range(3))

    def handles() -> int:
        return sum(entry.resolve() == path.resolve() for entry in Path("/proc/self/fd").iterdir())

    source = VideoSource(str(path))
    if os.name == "posix" and Path("/proc/self/fd").is_dir():
        assert handles() == 1
    next(source.frames())
    source.close()
    source.close()
    if Path("/proc/self/fd").is_dir():
        assert handles() == 0


def test_a_paced_recording_keeps_its_frames_and_their_times(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", [0, 1, 2, 3])
    with VideoSource(str(path)) as plain:
        expected = [frame.seconds for frame in plain.frames()]
    with Player(VideoSource(str(path)), keep_open=False) as source:
        frames = list(source.frames())
    assert [frame.seconds for frame in frames] == expected
    # Given at their times: 120 ms from the first to the last, less what the clock rounds.
    assert frames[-1].captured_ns - frames[0].captured_ns > 110e6
