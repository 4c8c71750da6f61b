"""Colours, from any pixel format through planes to pictures, and back into a recording."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from clips import PATCHES, patch_colors, patches_frame, write_clip

from rtseg.frame import ColorSpace, Frame, Segmentation
from rtseg.preprocess import network_input, to_bgr
from rtseg.video.file import VideoSource
from rtseg.video.video_sink import VideoSink

Colors = dict[str, tuple[int, ...]]
LOSSLESS = {
    "libx264": {"qp": "1"},
    "libx265": {"x265-params": "log-level=none:lossless=1"},
    "mjpeg": {"qmin": "1"},
}
EVEN, ODD = (96, 48), (195, 63)
NO_LOGITS = np.zeros((4, 1, 1), np.float32)
TOLERANCE = 3

FORMATS = [
    ("yuv420p", "libx264", "mp4", EVEN),
    ("yuv420p10le", "libx264", "mp4", EVEN),
    ("yuv420p10le", "libx265", "mp4", EVEN),
    ("yuv422p", "libx264", "mkv", EVEN),
    ("yuv444p", "libx264", "mp4", ODD),
    ("gray", "libx264", "mp4", EVEN),
    ("gray", "ffv1", "mkv", ODD),
    ("gray10le", "ffv1", "mkv", ODD),
    ("yuv420p", "ffv1", "mkv", ODD),
    ("yuv422p10le", "ffv1", "mkv", ODD),
    ("yuv411p", "ffv1", "mkv", ODD),
]


def assert_close(colors: Colors, expected: Colors, tolerance: int = TOLERANCE) -> None:
    for name, color in expected.items():
        assert np.abs(np.subtract(colors[name], color)).max() <= tolerance, (name, colors[name], color)


def expected_colors(pix_fmt: str, *, bt709: bool) -> Colors:
    if "gray" not in pix_fmt:
        return PATCHES
    weights = (0.2126, 0.7152, 0.0722) if bt709 else (0.299, 0.587, 0.114)
    return {name: (round(float(np.dot(weights, color))),) * 3 for name, color in PATCHES.items()}


def first_frame(path: Path) -> Frame:
    with VideoSource(str(path)) as source:
        return next(source.frames())


def rgb(frame: Frame) -> np.ndarray:
    return to_bgr(frame)[..., ::-1]


def record(path: Path, frame: Frame) -> Frame:
    """The frame after it was recorded and read again."""
    sink = VideoSink(path, rate=None)
    for _ in range(2):
        sink.write(Segmentation(frame, NO_LOGITS, 0, 0), frame)
    sink.close()
    return first_frame(path)


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("bt709", [False, True], ids=["bt601", "bt709"])
@pytest.mark.parametrize(("pix_fmt", "codec", "container", "size"), FORMATS)
def test_colours_survive_decoding_and_recording(
    tmp_path: Path,
    pix_fmt: str,
    codec: str,
    container: str,
    size: tuple[int, int],
    bt709: bool,
    full_range: bool,
) -> None:
    path = write_clip(
        tmp_path / f"patches.{container}",
        [0, 1],
        codec=codec,
        pix_fmt=pix_fmt,
        codec_options=LOSSLESS.get(codec, {}),
        colorspace=1 if bt709 else 6,
        color_range=2 if full_range else 1,
        frames=[patches_frame(pix_fmt, size, bt709=bt709, full_range=full_range) for _ in range(2)],
    )
    frame = first_frame(path)
    assert frame.size == size
    expected = expected_colors(pix_fmt, bt709=bt709)
    assert_close(patch_colors(rgb(frame)), expected)
    assert_close(patch_colors(network_input(frame, (192, 96))), expected)

    again = record(tmp_path / "again.mp4", frame)
    assert again.size == size
    assert again.color == frame.color
    assert_close(patch_colors(rgb(again)), expected, TOLERANCE + 2)  # H.264 as users get it rounds a little


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "container"), [("yuvj420p", "mjpeg", "avi"), ("bgr0", "ffv1", "mkv")]
)
def test_colours_of_jpeg_and_rgb_videos(tmp_path: Path, pix_fmt: str, codec: str, container: str) -> None:
    path = write_clip(
        tmp_path / f"patches.{container}",
        [0, 1],
        codec=codec,
        pix_fmt=pix_fmt,
        codec_options=LOSSLESS.get(codec, {}),
        frames=[patches_frame(pix_fmt, EVEN, full_range=True) for _ in range(2)],
    )
    assert_close(patch_colors(rgb(first_frame(path))), PATCHES)


@pytest.mark.parametrize(("height", "matrix"), [(480, "bt601"), (720, "bt709")])
def test_untagged_video_is_taken_for_what_its_size_says(tmp_path: Path, height: int, matrix: str) -> None:
    picture = patches_frame("yuv420p", (96, height), bt709=matrix == "bt709")
    frame = first_frame(write_clip(tmp_path / "a.mp4", [0], frames=[picture]))
    assert frame.color == ColorSpace(matrix, full_range=False)  # type: ignore[arg-type]
    assert_close(patch_colors(rgb(frame)), PATCHES, 6)


def test_a_large_jpeg_is_bt601_as_its_standard_says(tmp_path: Path) -> None:
    """Network cameras send them in high definition; only what has no tag may be guessed by size."""
    picture = patches_frame("yuvj420p", (96, 720), full_range=True)
    path = write_clip(tmp_path / "a.avi", [0], codec="mjpeg", pix_fmt="yuvj420p", frames=[picture])
    frame = first_frame(path)
    assert frame.color == ColorSpace("bt601", full_range=True)


@pytest.mark.parametrize("size", [(96, 48), (63, 47), (96, 720), (1, 1), (2, 2), (5, 3)])
def test_a_recorded_picture_keeps_its_colours(tmp_path: Path, size: tuple[int, int]) -> None:
    """Pure red stays pure red: of a source in BGR, such as a camera, at any size."""
    for color in PATCHES.values():
        picture = np.full((size[1], size[0], 3), color[::-1], np.uint8)
        frame = Frame("bgr24", (picture,), index=0, captured_ns=time.monotonic_ns())
        again = record(tmp_path / "red.mp4", frame)
        assert again.size == size
        assert np.abs(rgb(again).astype(int) - color).max() <= TOLERANCE + 2
