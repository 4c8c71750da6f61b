"""A frame knows its size and its time."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from rtseg.frame import Frame


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
