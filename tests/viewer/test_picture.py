from __future__ import annotations

import gc
import time

import numpy as np
import pytest

from rtseg.frame import Frame
from rtseg.labels import PALETTE
from rtseg.overlay import rgb_to_yuv
from rtseg.preprocess import to_bgr
from rtseg.viewer.picture import Picture, fitted, to_bgrx


def bgr_frame(picture: np.ndarray) -> Frame:
    return Frame("bgr24", (picture,), index=0, captured_ns=time.monotonic_ns())


def yuv_frame(width: int, height: int, rgb: tuple[int, int, int]) -> Frame:
    blank = Frame("yuv420p", (np.zeros((height, width), np.uint8),) * 3, 0, 0)
    chroma = ((height + 1) // 2, (width + 1) // 2)
    shapes = ((height, width), chroma, chroma)
    values = rgb_to_yuv(rgb, blank.color)
    planes = tuple(np.full(shape, value, np.uint8) for shape, value in zip(shapes, values, strict=True))
    return Frame("yuv420p", planes, 0, 0)


@pytest.mark.parametrize("size", [(64, 36), (21, 12), (200, 113)])
@pytest.mark.parametrize("pixel_format", ["bgr24", "yuv420p"])
def test_pure_red_stays_pure_red_at_any_size(pixel_format: str, size: tuple[int, int]) -> None:
    red = np.zeros((36, 64, 3), np.uint8)
    red[..., 2] = 255
    frame = bgr_frame(red) if pixel_format == "bgr24" else yuv_frame(64, 36, (255, 0, 0))
    image = Picture(to_bgrx(frame, size)).image
    assert (image.width(), image.height()) == size
    color = image.pixelColor(size[0] // 2, size[1] // 2)
    assert np.allclose(color.getRgb(), (255, 0, 0, 255), atol=3)


@pytest.mark.parametrize("color", PALETTE[1:])
def test_a_frame_of_odd_size_keeps_its_colour(color: tuple[int, int, int]) -> None:
    frame = yuv_frame(63, 35, color)
    assert np.abs(to_bgrx(frame, frame.size)[..., 2::-1].astype(int) - color).max() <= 3


def test_at_its_own_size_a_frame_is_shown_pixel_for_pixel(picture) -> None:
    frame = bgr_frame(picture((97, 55), 1))
    assert np.array_equal(to_bgrx(frame, frame.size)[..., :3], to_bgr(frame))


def test_the_image_keeps_its_pixels_alive(picture) -> None:
    expected = picture((640, 360), 2)
    shown = Picture(to_bgrx(bgr_frame(expected.copy()), (640, 360)))
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
