"""Colours, from any pixel format through planes to pictures, and back into a recording."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from clips import LUMA_WEIGHTS, PATCHES, patch_colors, patches_frame, write_clip

from rtseg.frame import ColorSpace, Frame, Matrix, Segmentation
from rtseg.overlay import blend, class_map_size
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
MATRIX_TAGS: dict[Matrix, int] = {"bt601": 6, "bt709": 1, "bt2020": 9}
# What is packed or half planar is drawn as planes, and put into its own order by libswscale without loss.
DRAWN_AS = {"nv12": "yuv420p", "yuyv422": "yuv422p", "yuva444p": "yuv444p"}

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
    ("yuv422p", "ffv1", "mkv", ODD),
    ("yuv440p", "ffv1", "mkv", ODD),
    ("yuv444p12le", "ffv1", "mkv", EVEN),
    ("yuva444p", "ffv1", "mkv", ODD),
    ("nv12", "rawvideo", "mkv", EVEN),
    ("yuyv422", "rawvideo", "mkv", EVEN),
]


def assert_close(colors: Colors, expected: Colors, tolerance: int = TOLERANCE) -> None:
    for name, color in expected.items():
        assert np.abs(np.subtract(colors[name], color)).max() <= tolerance, (name, colors[name], color)


def expected_colors(pix_fmt: str, matrix: str) -> Colors:
    if "gray" not in pix_fmt:
        return PATCHES
    weights = LUMA_WEIGHTS[matrix]
    return {name: (round(float(np.dot(weights, color))),) * 3 for name, color in PATCHES.items()}


def tint_as_light_as_grey(matrix: str) -> tuple[int, int, int]:
    """Of the luma of the grey patch, so that chroma alone turns one into the other."""
    red, green, blue = LUMA_WEIGHTS[matrix]
    return 190, round((128 - 190 * red - 90 * blue) / green), 90


def tinted(frame: Frame, color: tuple[int, int, int]) -> Frame:
    """The grey patch in this colour; of its neighbours as much as lies outside of their middle."""
    width, height = class_map_size(frame)
    class_map = np.zeros((height, width), np.uint8)
    step, number = width // len(PATCHES), list(PATCHES).index("grey")
    class_map[2:, number * step : (number + 1) * step] = 1
    return blend(frame, class_map, (None, color), opacity=1.0)


def first_frame(path: Path) -> Frame:
    with VideoSource(str(path)) as source:
        return next(source.frames())


def rgb(frame: Frame) -> np.ndarray:
    return to_bgr(frame)[..., ::-1]


def record(path: Path, frame: Frame) -> Frame:
    """The frame after it was recorded and read again."""
    sink = VideoSink(path, rate=None)
    for _ in range(2):
        sink.write(Segmentation(frame, (NO_LOGITS,), 0, 0), frame)
    sink.close()
    return first_frame(path)


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", MATRIX_TAGS)
@pytest.mark.parametrize(("pix_fmt", "codec", "container", "size"), FORMATS)
def test_colours_survive_decoding_blending_and_recording(
    tmp_path: Path,
    pix_fmt: str,
    codec: str,
    container: str,
    size: tuple[int, int],
    matrix: Matrix,
    full_range: bool,
) -> None:
    path = write_clip(
        tmp_path / f"patches.{container}",
        [0, 1],
        codec=codec,
        pix_fmt=pix_fmt,
        codec_options=LOSSLESS.get(codec, {}),
        colorspace=MATRIX_TAGS[matrix],
        color_range=2 if full_range else 1,
        frames=[
            patches_frame(DRAWN_AS.get(pix_fmt, pix_fmt), size, matrix=matrix, full_range=full_range)
            for _ in range(2)
        ],
    )
    frame = first_frame(path)
    assert frame.size == size
    # H.264 holds no matrix of what has no colours.
    assert frame.color == ColorSpace(frame.color.matrix if "gray" in pix_fmt else matrix, full_range)
    expected = expected_colors(pix_fmt, matrix)
    assert_close(patch_colors(rgb(frame)), expected)
    assert_close(patch_colors(network_input(frame, (192, 96))), expected)

    tint = tint_as_light_as_grey(frame.color.matrix)
    blended = tinted(frame, tint)
    expected = {**expected, "grey": tint}
    assert_close(patch_colors(rgb(blended)), expected)
    again = record(tmp_path / "again.mp4", blended)
    assert again.size == size
    assert again.color == frame.color
    assert_close(patch_colors(rgb(again)), expected, TOLERANCE + 4)  # H.264 as users get it rounds a little


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "container"),
    [
        ("yuvj420p", "mjpeg", "avi"),
        ("yuvj422p", "mjpeg", "avi"),
        ("yuvj444p", "mjpeg", "avi"),
        ("bgr0", "ffv1", "mkv"),
    ],
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
def test_untagged_video_is_taken_for_what_its_size_says(tmp_path: Path, height: int, matrix: Matrix) -> None:
    picture = patches_frame("yuv420p", (96, height), matrix=matrix)
    frame = first_frame(write_clip(tmp_path / "a.mp4", [0], frames=[picture]))
    assert frame.color == ColorSpace(matrix, full_range=False)
    assert_close(patch_colors(rgb(frame)), PATCHES, 6)


def test_a_large_jpeg_is_bt601_as_its_standard_says(tmp_path: Path) -> None:
    """Network cameras send them in high definition; only what has no tag may be guessed by size."""
    picture = patches_frame("yuvj420p", (96, 720), full_range=True)
    path = write_clip(tmp_path / "a.avi", [0], codec="mjpeg", pix_fmt="yuvj420p", frames=[picture])
    frame = first_frame(path)
    assert frame.color == ColorSpace("bt601", full_range=True)


def test_a_recording_of_hdr_video_says_so_too(tmp_path: Path) -> None:
    """Shown without its transfer function, HDR video is pale."""
    params = "colormatrix=bt2020nc:colorprim=bt2020:transfer=arib-std-b67"
    path = write_clip(
        tmp_path / "hlg.mp4", [0, 1], pix_fmt="yuv420p10le", codec_options={"x264-params": params}
    )
    frame = first_frame(path)
    assert frame.color == ColorSpace("bt2020", transfer=18)
    assert record(tmp_path / "again.mp4", frame).color == frame.color


@pytest.mark.parametrize("pix_fmt", ["yuv422p", "yuv440p", "yuv444p", "yuv444p10le", "yuv411p", "bgr0"])
@pytest.mark.parametrize("size", [(96, 48), (63, 47), (1, 1)])
def test_chroma_of_any_format_lies_where_the_picture_is(
    tmp_path: Path, pix_fmt: str, size: tuple[int, int]
) -> None:
    """A red upper left quarter stays where it is, and no row or column is lost at the edges."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: (height + 1) // 2, : (width + 1) // 2, 0] = 255
    path = write_clip(tmp_path / "a.mkv", [0], picture=lambda _: picture, codec="ffv1", pix_fmt=pix_fmt)
    y, u, v = first_frame(path).planes
    assert y.shape == (height, width)
    assert u.shape == v.shape == ((height + 1) // 2, (width + 1) // 2)
    rows, columns = np.mgrid[0 : v.shape[0], 0 : v.shape[1]]
    inside = (rows < v.shape[0] // 2 - 2) & (columns < v.shape[1] // 2 - 2)
    outside = (rows > v.shape[0] // 2 + 2) | (columns > v.shape[1] // 2 + 2)
    assert (v[inside] > 220).all()
    assert (np.abs(v[outside].astype(int) - 128) <= 3).all()


@pytest.mark.parametrize("size", [(96, 48), (63, 47), (96, 720), (1, 1), (2, 2), (5, 3)])
def test_a_recorded_picture_keeps_its_colours(tmp_path: Path, size: tuple[int, int]) -> None:
    """Pure red stays pure red: of a source in BGR, such as a camera, at any size."""
    for color in PATCHES.values():
        picture = np.full((size[1], size[0], 3), color[::-1], np.uint8)
        frame = Frame("bgr24", (picture,), index=0, captured_ns=time.monotonic_ns())
        again = record(tmp_path / "red.mp4", frame)
        assert again.size == size
        assert np.abs(rgb(again).astype(int) - color).max() <= TOLERANCE + 2
