"""Class maps are the argmax of bilinearly upsampled logits, on the spot and without a shift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from rtseg.postprocess import class_map

small = st.integers(1, 9)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
logit_shapes = st.tuples(st.integers(2, 6), small, small)


def bilinear(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(C, h, w) -> (C, H, W) by the definition: half-pixel centres, edges repeated, in float64."""
    for axis, pixels in ((1, size[1]), (2, size[0])):
        have = planes.shape[axis]
        position = np.clip((np.arange(pixels) + 0.5) * have / pixels - 0.5, 0, have - 1)
        below = np.floor(position).astype(int)
        share = (position - below).reshape([-1 if axis == n else 1 for n in range(3)])
        above = np.minimum(below + 1, have - 1)
        planes = planes.take(below, axis) * (1 - share) + planes.take(above, axis) * share
    return planes


def logits_of(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return logit_shapes.flatmap(lambda shape: nps.arrays(np.float32, shape, elements=elements))


@given(logits_of(st.floats(-20, 20, width=32)), sizes)
def test_equals_argmax_of_upsampled_logits(logits: np.ndarray, size: tuple[int, int]) -> None:
    found = class_map(logits, size)
    expected = bilinear(logits.astype(np.float64), size)
    assert found.shape == (size[1], size[0])
    assert found.dtype == np.uint8
    # Between values equal but for rounding either may win.
    chosen = np.take_along_axis(expected, found[None].astype(int), axis=0)[0]
    np.testing.assert_allclose(chosen, expected.max(axis=0), atol=1e-3)


@given(logits_of(st.integers(-3, 3)))
def test_of_equal_logits_the_lower_class_wins_as_with_argmax(logits: np.ndarray) -> None:
    # Whole numbers at a scale of 4 are upsampled without rounding, so that ties stay ties.
    height, width = logits.shape[1] * 4, logits.shape[2] * 4
    expected = bilinear(logits.astype(np.float64), (width, height)).argmax(axis=0)
    np.testing.assert_array_equal(class_map(logits, (width, height)), expected)


def test_equal_logits_everywhere_are_class_zero() -> None:
    assert not class_map(np.ones((5, 3, 4), np.float32), (13, 7)).any()


@given(logits_of(st.floats(-9, 9, width=32)))
def test_at_their_own_size_logits_are_only_compared(logits: np.ndarray) -> None:
    size = (logits.shape[2], logits.shape[1])
    np.testing.assert_array_equal(class_map(logits, size), logits.argmax(axis=0))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5)])
def test_a_single_pixel_is_a_picture_too(shape: tuple[int, int]) -> None:
    logits = np.arange(3, dtype=np.float32)[:, None, None] * np.ones(shape, np.float32)
    np.testing.assert_array_equal(class_map(logits, (1, 1)), [[2]])


@pytest.mark.parametrize("scale", [4, 6])
def test_a_checkerboard_lands_without_a_shift(scale: int) -> None:
    cells = np.indices((6, 6)).sum(axis=0) % 2
    logits = np.stack([1 - cells, cells]).astype(np.float32)
    found = class_map(logits, (6 * scale, 6 * scale))
    # Each cell's centre has its class, and a half-turn or a transposition changes nothing but equal logits.
    centre = slice(scale // 2, None, scale)
    np.testing.assert_array_equal(found[centre, centre], cells)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(found, found[::-1, ::-1])
    # In the middle between two cells the class changes: the border is where the cells meet.
    edge = class_map(np.stack([1 - cells[:1], cells[:1]]).astype(np.float32), (6 * scale, 1))[0]
    np.testing.assert_array_equal(edge, np.repeat(cells[0], scale))
