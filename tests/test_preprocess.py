"""The network's input: its size, its colours, and padding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtseg.frame import ColorSpace, Frame
from rtseg.preprocess import input_size, network_input, pad_to_multiple

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
# The primaries as published for 8 bits, (Y, Cb, Cr): not computed by the formulas under test.
PRIMARIES = {
    ("bt601", False): {RED: (81, 90, 240), GREEN: (145, 54, 34), BLUE: (41, 240, 110)},
    ("bt709", False): {RED: (63, 102, 240), GREEN: (173, 42, 26), BLUE: (32, 240, 118)},
    ("bt601", True): {RED: (76, 85, 255), GREEN: (150, 44, 21), BLUE: (29, 255, 107)},
    ("bt709", True): {RED: (54, 99, 255), GREEN: (182, 30, 12), BLUE: (18, 255, 116)},
}
SIZE = (64, 32)
sides = st.integers(16, 8192)
areas = st.integers(64 * 64, 1280 * 704)


def uniform_yuv(size: tuple[int, int], yuv: tuple[int, ...], color: ColorSpace) -> Frame:
    width, height = size
    chroma = (-(-height // 2), -(-width // 2))
    shapes = ((height, width), chroma, chroma)
    planes = tuple(np.full(shape, value, np.uint8) for shape, value in zip(shapes, yuv, strict=True))
    return Frame("yuv420p", planes, index=0, captured_ns=0, color=color)


@pytest.mark.parametrize("size", [(1920, 1080), (64, 32), (33, 17), (1, 1)])
@pytest.mark.parametrize("rgb", [RED, GREEN, BLUE])
def test_pure_colours_of_a_bgr_picture_arrive_in_rgb_order(
    size: tuple[int, int], rgb: tuple[int, int, int]
) -> None:
    picture = np.full((size[1], size[0], 3), rgb[::-1], np.uint8)
    image = network_input(Frame("bgr24", (picture,), index=0, captured_ns=0), SIZE)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert (image == rgb).all()


@pytest.mark.parametrize("size", [(1920, 1080), (33, 17)])
@pytest.mark.parametrize("rgb", [RED, GREEN, BLUE])
@pytest.mark.parametrize(("matrix", "full_range"), PRIMARIES)
def test_pure_colours_of_yuv_planes_arrive_in_rgb_order(
    size: tuple[int, int], rgb: tuple[int, int, int], matrix: Literal["bt601", "bt709"], full_range: bool
) -> None:
    frame = uniform_yuv(size, PRIMARIES[matrix, full_range][rgb], ColorSpace(matrix, full_range))
    image = network_input(frame, SIZE)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, np.broadcast_to(rgb, image.shape), atol=3)


@pytest.mark.parametrize("size", [(640, 360), (256, 192)])
def test_planes_and_the_picture_made_of_them_give_the_same_input(
    size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    width, height = size
    yuv = cv2.cvtColor(picture(size, 7), cv2.COLOR_BGR2YUV_I420)
    luma, u, v = np.split(yuv.ravel(), [height * width, height * width * 5 // 4])
    half = (height // 2, width // 2)
    planes = (luma.reshape(height, width), u.reshape(half), v.reshape(half))
    bgr = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
    from_planes = network_input(Frame("yuv420p", planes, 0, 0), SIZE).astype(int)
    from_picture = network_input(Frame("bgr24", (bgr,), 0, 0), SIZE).astype(int)
    assert from_picture.std() > 20
    assert np.abs(from_planes - from_picture).mean() < 1
    assert np.abs(from_planes - from_picture).max() <= 6


@pytest.mark.parametrize(("black", "white", "full_range"), [(16, 235, False), (0, 255, True)])
def test_black_and_white_fill_the_range(black: int, white: int, full_range: bool) -> None:
    for luma, expected in ((black, 0), (white, 255)):
        image = network_input(uniform_yuv((50, 40), (luma, 128, 128), ColorSpace("bt709", full_range)), SIZE)
        np.testing.assert_allclose(image, np.full_like(image, expected), atol=1)


def test_the_halves_of_a_picture_stay_where_they_are() -> None:
    picture = np.zeros((300, 500, 3), np.uint8)
    picture[:150, :250] = 255
    image = network_input(Frame("bgr24", (picture,), index=0, captured_ns=0), SIZE)
    assert (image[:15, :31] == 255).all()
    assert (image[17:] == 0).all()
    assert (image[:, 33:] == 0).all()


@given(sides, sides, areas, st.sampled_from([1, 8, 32]))
def test_input_sides_are_multiples_and_never_less_than_two(
    width: int, height: int, area: int, multiple: int
) -> None:
    size = input_size((width, height), area, multiple)
    assert all(side % multiple == 0 and side >= 2 * multiple for side in size)


@given(sides, sides, areas)
def test_no_neighbouring_input_size_is_better_in_both_aspect_and_area(
    width: int, height: int, area: int
) -> None:
    def faults(size: tuple[int, int]) -> tuple[float, float]:
        return abs(math.log(size[0] / size[1] * height / width)), abs(math.log(size[0] * size[1] / area))

    columns, rows = (side // 32 for side in input_size((width, height), area, 32))
    aspect, size_fault = faults((columns * 32, rows * 32))
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            if columns + dx >= 2 and rows + dy >= 2:
                other = faults(((columns + dx) * 32, (rows + dy) * 32))
                assert not (other[0] < aspect - 1e-9 and other[1] < size_fault - 1e-9)


@pytest.mark.parametrize("aspect", [(16, 9), (4, 3), (21, 9), (9, 16), (3, 2), (1, 1)])
@pytest.mark.parametrize("area", [480 * 352, 512 * 288, 640 * 352, 1024 * 576])
def test_usual_aspects_are_kept_within_five_percent_at_about_the_area(
    aspect: tuple[int, int], area: int
) -> None:
    source = (aspect[0] * 120, aspect[1] * 120)
    width, height = input_size(source, area, 32)
    assert width / height == pytest.approx(source[0] / source[1], rel=0.051)
    assert width * height == pytest.approx(area, rel=0.1)
    assert (width, height) == input_size((source[0] // 4, source[1] // 4), area, 32)


def test_a_source_of_the_trained_aspect_gets_the_trained_size() -> None:
    assert input_size((1920, 1080), 512 * 288, 32) == (512, 288)


@pytest.mark.parametrize("shape", [(1, 1), (37, 500), (64, 32), (33, 31)])
def test_padding_repeats_the_edge_on_the_right_and_below(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    padded = pad_to_multiple(image, 32)
    height, width = shape
    assert padded.shape[:2] == (math.ceil(height / 32) * 32, math.ceil(width / 32) * 32)
    np.testing.assert_array_equal(padded[:height, :width], image)
    np.testing.assert_array_equal(
        padded[:height, width:], np.repeat(image[:, -1:], padded.shape[1] - width, 1)
    )
    np.testing.assert_array_equal(
        padded[height:], np.repeat(padded[height - 1 : height], len(padded) - height, 0)
    )


def test_a_large_picture_is_averaged_not_sampled() -> None:
    stripes = np.zeros((640, 1280, 3), np.uint8)
    stripes[:, ::2] = 200
    planes = cv2.split(stripes)
    image = network_input(Frame("bgr24", (stripes,), index=0, captured_ns=0), SIZE)
    assert abs(int(planes[0].mean()) - image.astype(int)).max() <= 1
