"""Planes of pixel formats that no file holds with its tags: those of cameras and hardware decoders."""

from __future__ import annotations

import time

import av
import numpy as np
import pytest
from clips import PATCHES, patch_colors, patches_frame

from rtseg.frame import ColorSpace, Frame, Matrix
from rtseg.preprocess import to_bgr
from rtseg.video.planes import planes_of, tags

PACKED = [("p010le", "yuv420p10le"), ("p210le", "yuv422p10le"), ("nv21", "yuv420p"), ("uyvy422", "yuv422p")]


def tagged(frame: av.VideoFrame, color: ColorSpace) -> av.VideoFrame:
    frame.colorspace, frame.color_primaries, frame.color_trc = tags(color)
    frame.color_range = 2 if color.full_range else 1
    return frame


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize(("pix_fmt", "drawn_as"), PACKED)
def test_colours_of_packed_formats(pix_fmt: str, drawn_as: str, matrix: Matrix, full_range: bool) -> None:
    color = ColorSpace(matrix, full_range)
    drawn = patches_frame(drawn_as, matrix=matrix, full_range=full_range)
    planes, found = planes_of(tagged(drawn.reformat(format=pix_fmt), color))
    assert found == color
    picture = to_bgr(Frame("yuv420p", planes, 0, time.monotonic_ns(), color=found))
    for name, expected in patch_colors(picture[..., ::-1]).items():
        assert np.abs(np.subtract(expected, PATCHES[name])).max() <= 3, (name, expected)


def test_usual_planes_are_the_decoders_own_memory() -> None:
    frame = patches_frame("yuv420p")
    planes, _ = planes_of(frame)
    for number, plane in enumerate(planes):
        assert np.shares_memory(plane, np.frombuffer(frame.planes[number], np.uint8))


def test_a_clean_edge_between_two_grey_levels_of_ten_bits_stays_in_its_column() -> None:
    frame = av.VideoFrame(64, 4, "yuv420p10le")
    for number, plane in enumerate(frame.planes):
        memory = np.frombuffer(plane, np.uint16).reshape(plane.height, -1)
        memory[:] = 512
        if number == 0:
            memory[:, 21:] = 801
    (y, u, v), _ = planes_of(frame)
    assert (y[:, :21] == 128).all()
    assert (y[:, 21:] == 200).all()
    assert (u == 128).all()
    assert (v == 128).all()


@pytest.mark.parametrize(
    ("matrix_tag", "height", "matrix"),
    [(2, 480, "bt601"), (2, 720, "bt709"), (7, 480, "bt709"), (5, 1080, "bt601"), (9, 480, "bt2020")],
)
def test_what_a_matrix_tag_means(matrix_tag: int, height: int, matrix: str) -> None:
    frame = av.VideoFrame(64, height, "yuv420p")
    frame.colorspace = matrix_tag
    assert planes_of(frame)[1] == ColorSpace(matrix)  # type: ignore[arg-type]
