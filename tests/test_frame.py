"""A frame knows its size and its time."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from rtseg.frame import Frame, Tile


def test_the_size_of_a_planar_frame_is_that_of_its_luma() -> None:
    luma, chroma = np.zeros((37, 51), np.uint8), np.zeros((19, 26), np.uint8)
    frame = Frame("yuv420p", (luma, chroma, chroma), index=0, captured_ns=0)
    assert (frame.width, frame.height, frame.size) == (51, 37, (51, 37))


@pytest.mark.parametrize(
    ("pts", "time_base", "seconds"),
    [
        (3003, Fraction(1, 90000), 3003 / 90000),
        (None, Fraction(1, 30), None),
        (7, None, None),
        (0, Fraction(1, 30), 0.0),
    ],
)
def test_presentation_time_in_seconds_needs_both_stamp_and_base(
    pts: int | None, time_base: Fraction | None, seconds: float | None
) -> None:
    frame = Frame("bgr24", (np.zeros((2, 2, 3), np.uint8),), 0, 0, pts=pts, time_base=time_base)
    assert frame.seconds == seconds


def test_a_frame_cannot_be_changed() -> None:
    frame = Frame("bgr24", (np.zeros((2, 2, 3), np.uint8),), index=4, captured_ns=9)
    with pytest.raises(FrozenInstanceError):
        frame.index = 5  # type: ignore[misc]


def test_a_tile_is_cut_out_of_every_plane_without_a_copy() -> None:
    luma = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
    chroma = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
    tile = Tile(8, 4, 20, 10)
    frame = Frame("yuv420p", (luma, chroma, chroma), 3, 7, tiles=(tile, Tile(0, 0, 2, 2, playing=False)))
    cut = frame.cut(tile)
    assert (cut.size, cut.index, cut.captured_ns, cut.tiles) == ((20, 10), 3, 7, ())
    np.testing.assert_array_equal(cut.planes[0], luma[4:14, 8:28])
    np.testing.assert_array_equal(cut.planes[1], chroma[2:7, 4:14])
    assert all(np.shares_memory(part, plane) for part, plane in zip(cut.planes, frame.planes, strict=True))
    assert frame.pictures == ((20, 10), (2, 2))
    assert cut.pictures == ((20, 10),)
    assert (frame.playing_share, cut.playing_share) == (200 / (48 * 64), 1.0)
