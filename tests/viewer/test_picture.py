from __future__ import annotations

import gc

import cv2
import numpy as np
import pytest

from rtseg.viewer.picture import Picture, fitted


def test_the_image_keeps_its_pixels_alive(picture) -> None:
    expected = picture((640, 360), 2)
    shown = Picture(cv2.cvtColor(expected, cv2.COLOR_BGR2BGRA))
    gc.collect()
    litter = [np.full((360, 640, 4), 77, np.uint8) for _ in range(8)]  # would take memory that was freed
    bits = shown.image.constBits()
    assert bits is not None and litter
    bits.setsize(shown.image.sizeInBytes())
    pixels = np.frombuffer(bits, np.uint8).reshape(360, 640, 4)
    assert np.array_equal(pixels[..., :3], expected)


@pytest.mark.parametrize(
    ("picture_size", "area", "expected"),
    [
        ((1920, 1080), (960, 540), (960, 540)),
        ((1920, 1080), (960, 960), (960, 540)),
        ((640, 480), (1000, 300), (400, 300)),
        ((4000, 10), (100, 100), (100, 1)),
    ],
)
def test_a_picture_fits_with_its_aspect(picture_size, area, expected) -> None:
    assert fitted(picture_size, area) == expected
