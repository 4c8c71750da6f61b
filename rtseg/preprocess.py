"""Frames to what the network takes in, and to pictures for a screen: sizes and colours.

Frame of any size and pixel format  ->  (h, w, 3) uint8 RGB, both sides multiples of 32; the network
normalises by itself
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rtseg.frame import ColorSpace, Frame, Size, UInt8Array

_LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


def input_size(source: Size, area: int, multiple: int) -> Size:
    """The (width, height) nearest to the source's aspect whose area comes closest to `area` pixels.

    Both sides are multiples of `multiple`. The whole picture is stretched onto it, so nothing is cropped or
    padded and the class map lies exactly on the frame; the aspect is off by a few percent at the most, but
    for panoramas, whose short side is kept at two multiples.
    """
    aspect = source[0] / source[1]
    shortest = 2 * multiple
    height = min(max(math.sqrt(area / aspect), shortest), area / shortest)
    candidates = [
        (columns * multiple, rows * multiple)
        for rows in _around(height / multiple)
        for columns in _around(area / height / multiple)
    ]

    def badness(size: Size) -> float:
        width, height = size
        return abs(math.log(width / height / aspect)) + abs(math.log(width * height / area)) / 2

    return min(candidates, key=badness)


def _around(value: float) -> tuple[int, int]:
    return math.floor(value), math.ceil(value)


def pad_to_multiple(image: UInt8Array, multiple: int) -> UInt8Array:
    """(H, W, 3) -> both sides rounded up to the multiple, by repeating the right and bottom edge."""
    height, width = image.shape[:2]
    return np.asarray(
        cv2.copyMakeBorder(image, 0, -height % multiple, 0, -width % multiple, cv2.BORDER_REPLICATE), np.uint8
    )


def network_input(frame: Frame, size: Size) -> UInt8Array:
    """A frame in any pixel format -> (h, w, 3) uint8 RGB of this size (width, height)."""
    if frame.pixel_format == "bgr24":
        small = resized(frame.planes[0], size)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
    # Each plane is brought to the small size by itself: the full-size picture is never converted. From 1080p
    # this takes less than half the time of libswscale's scaler that averages too (tools/bench_overlay.py).
    small_yuv = cv2.merge([resized(plane, size) for plane in frame.planes])
    return np.asarray(cv2.transform(small_yuv, yuv_to_rgb_matrix(frame.color)), np.uint8)


def resized(image: UInt8Array, size: Size) -> UInt8Array:
    """A plane or picture at this size (width, height)."""
    # Averaging keeps distant people from falling between the samples of a much larger picture. By two it
    # costs a tenth of what it costs by three: OpenCV has vector code for that factor alone. What is larger
    # by whole factors is averaged at once, so that no pixel weighs more than another.
    while not _is_multiple(image, size) and image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    interpolation = cv2.INTER_AREA if _is_multiple(image, size) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _is_multiple(image: UInt8Array, size: Size) -> bool:
    height, width = image.shape[:2]
    return (width % size[0], height % size[1]) == (0, 0)


def to_bgr(frame: Frame) -> UInt8Array:
    """A frame in any pixel format -> (H, W, 3) uint8 BGR."""
    if frame.pixel_format == "bgr24":
        return frame.planes[0]
    chroma = [cv2.resize(plane, frame.size, interpolation=cv2.INTER_LINEAR) for plane in frame.planes[1:]]
    matrix = np.ascontiguousarray(yuv_to_rgb_matrix(frame.color)[::-1])
    return np.asarray(cv2.transform(cv2.merge([frame.planes[0], *chroma]), matrix), np.uint8)


def yuv_to_rgb_matrix(color: ColorSpace) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(3, 4) float32: RGB = M @ (Y, U, V, 1), all 0 to 255.

    ITU-R BT.601-7 and BT.709-6, section 3; BT.2020-2, table 4, non-constant luminance.
    """
    red, blue = _LUMA_WEIGHTS[color.matrix]
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0.0) if color.full_range else (255 / 219, 255 / 224, 16.0)
    matrix = np.array(
        [
            [luma, 0, 2 * (1 - red) * chroma],
            [luma, -2 * (1 - blue) * blue / green * chroma, -2 * (1 - red) * red / green * chroma],
            [luma, 2 * (1 - blue) * chroma, 0],
        ]
    )
    offset = -matrix @ np.array([black, 128, 128])
    return np.column_stack([matrix, offset]).astype(np.float32)
