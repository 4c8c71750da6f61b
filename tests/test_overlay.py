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
