"""Blending: the right colour in the right place, in every pixel format, and nothing else touched."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtseg import overlay
from rtseg.frame import ColorSpace, Frame
from rtseg.labels import CLASSES, PALETTE
from rtseg.preprocess import to_bgr

VISIBLE = (None, *PALETTE[1:])
SPACES = [ColorSpace(matrix, full) for matrix in ("bt601", "bt709") for full in (False, True)]


def grey_yuv(size: tuple[int, int], space: ColorSpace) -> Frame:
    width, height = size
    chroma = ((height + 1) // 2, (width + 1) // 2)
    planes = (np.full((height, width), 126, np.uint8), *(np.full(chroma, 128, np.uint8) for _ in range(2)))
    return Frame("yuv420p", planes, 0, 0, color=space)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("index", [1, 2, 3])
def test_chroma_takes_the_colour_of_the_class_in_the_videos_own_space(space: ColorSpace, index: int) -> None:
    frame = grey_yuv((64, 48), space)
    class_map = np.full((24, 32), index, np.uint8)
    blended = overlay.blend(frame, class_map, VISIBLE, opacity=1.0)
    # With the luma of the colour itself, the chroma alone must give the colour back.
    luma = overlay.rgb_to_yuv(PALETTE[index], space)[0]
    pure = Frame("yuv420p", (np.full((48, 64), luma, np.uint8), *blended.planes[1:]), 0, 0, color=space)
    np.testing.assert_allclose(to_bgr(pure)[10, 10], PALETTE[index][::-1], atol=6)


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1)])
@pytest.mark.parametrize("pixel_format", ["bgr24", "yuv420p"])
def test_only_the_region_changes_and_the_input_never_does(size: tuple[int, int], pixel_format: str) -> None:
    frame = grey_yuv(size, ColorSpace())
    if pixel_format == "bgr24":
        frame = Frame("bgr24", (np.full((size[1], size[0], 3), 99, np.uint8),), 0, 0)
    before = [plane.copy() for plane in frame.planes]
    width, height = overlay.class_map_size(frame)
    class_map = np.zeros((height, width), np.uint8)
    class_map[: max(1, height // 2), : max(1, width // 2)] = 3
    blended = overlay.blend(frame, class_map, VISIBLE, opacity=0.5)
    assert [plane.shape for plane in blended.planes] == [plane.shape for plane in before]
    for plane, untouched, result in zip(frame.planes, before, blended.planes, strict=True):
        np.testing.assert_array_equal(plane, untouched)
        changed = (result != untouched).reshape(*result.shape[:2], -1).any(axis=2)
        inside = cv2.resize(class_map, result.shape[1::-1], interpolation=cv2.INTER_NEAREST) == 3
        assert not changed[~inside].any()
    assert (blended.planes[-1] != before[-1]).any()


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_regions_are_mixed_and_their_borders_are_pure(size: tuple[int, int]) -> None:
    frame = grey_yuv(size, ColorSpace())
    width, height = overlay.class_map_size(frame)
    class_map = np.zeros((height, width), np.uint8)
    class_map[5:, 3:20] = 1  # down to the edge of the picture, which is no border
    class_map[10:15, 8:14] = 3
    blended = overlay.blend(frame, class_map, VISIBLE, opacity=0.4)
    u, v = blended.planes[1:]
    road, pedestrian = (overlay.rgb_to_yuv(PALETTE[index], frame.color)[1:] for index in (1, 3))
    for row, column in ((5, 3), (5, 19), (5, 10), (12, 3), (12, 19), (height - 1, 3)):
        assert (u[row, column], v[row, column]) == road
    for row, column in ((7, 5), (height - 1, 10), (20, 17)):
        for plane, color in zip((u, v), road, strict=True):
            assert abs(plane[row, column] - (0.6 * 128 + 0.4 * color)) <= 1
    for plane, color in zip((u, v), pedestrian, strict=True):
        assert abs(plane[12, 10] - (0.6 * 128 + 0.4 * color)) <= 1
    # Between road and pedestrian, one of the two has the line.
    assert (u[12, 8], v[12, 8]) == pedestrian or (u[12, 7], v[12, 7]) == road


def test_all_detail_of_the_luma_stays() -> None:
    rng = np.random.default_rng(0)
    planes = tuple(rng.integers(16, 236, shape, np.uint8) for shape in ((48, 64), (24, 32), (24, 32)))
    frame = Frame("yuv420p", planes, 0, 0)
    blended = overlay.blend(frame, rng.integers(0, 4, (24, 32), np.uint8), VISIBLE, opacity=0.7)
    np.testing.assert_array_equal(blended.planes[0], planes[0])


@pytest.mark.parametrize("size", [(64, 48), (1000, 300)])
def test_a_bgr_picture_is_mixed_pixel_by_pixel(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    width, height = size
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    class_map = rng.integers(0, 6, (height, width), np.uint8)  # more classes than the palette knows
    class_map[: height // 3] = class_map[-3:] = 0
    palette = (None, PALETTE[1], None, PALETTE[3])
    blended = overlay.blend(Frame("bgr24", (picture,), 0, 0), class_map, palette, opacity=0.3).planes[0]
    expected = picture.astype(float)
    for index, color in enumerate(palette):
        if color is not None:
            inside = class_map == index
            expected[inside] = 0.7 * picture[inside] + 0.3 * np.array(color[::-1])
    np.testing.assert_allclose(blended, expected, atol=0.5001)


@pytest.mark.parametrize("pixel_format", ["bgr24", "yuv420p"])
def test_without_opacity_nothing_changes(pixel_format: str) -> None:
    frame = grey_yuv((32, 32), ColorSpace())
    if pixel_format == "bgr24":
        frame = Frame("bgr24", (np.full((32, 32, 3), 99, np.uint8),), 0, 0)
    width, height = overlay.class_map_size(frame)
    blended = overlay.blend(frame, np.ones((height, width), np.uint8), VISIBLE, opacity=0.0)
    for plane, result in zip(frame.planes, blended.planes, strict=True):
        np.testing.assert_array_equal(plane, result)


def test_a_class_without_a_colour_stays_as_it_was() -> None:
    frame = grey_yuv((32, 32), ColorSpace())
    class_map = np.full((16, 16), 2, np.uint8)
    hidden = overlay.blend(frame, class_map, (None, PALETTE[1], None, PALETTE[3]), opacity=0.8)
    for plane, result in zip(frame.planes, hidden.planes, strict=True):
        np.testing.assert_array_equal(plane, result)


def test_opacity_mixes_linearly_in_bgr() -> None:
    frame = Frame("bgr24", (np.full((8, 8, 3), 100, np.uint8),), 0, 0)
    blended = overlay.blend(frame, np.full((8, 8), 3, np.uint8), VISIBLE, opacity=0.25)
    expected = np.rint(0.75 * 100 + 0.25 * np.array(PALETTE[3][::-1]))
    np.testing.assert_allclose(blended.planes[0][4, 4], expected, atol=1)


def test_the_legend_shows_every_class_but_the_background_in_its_colour() -> None:
    picture = np.full((480, 640, 3), 200, np.uint8)
    overlay.draw_legend(picture, CLASSES, PALETTE)
    for red, green, blue in PALETTE[1:]:
        assert (picture == (blue, green, red)).all(axis=2).sum() > 50
    np.testing.assert_array_equal(picture[:240], 200)
