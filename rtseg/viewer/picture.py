"""Frames to images that Qt paints without another conversion.

Frame of any size and pixel format  ->  (h, w, 4) uint8 BGRX  ->  QImage of as many pixels
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from PyQt6.QtGui import QImage

from rtseg.frame import Frame, Size, UInt8Array
from rtseg.preprocess import network_input


def fitted(picture: Size, area: Size) -> Size:
    """The largest (width, height) of the picture's aspect that fits into the area, one pixel at least."""
    scale = min(area[0] / picture[0], area[1] / picture[1])
    return max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))


def to_bgrx(frame: Frame, size: Size) -> UInt8Array:
    """A frame -> (h, w, 4) uint8 at the size (width, height), as 32-bit screens have it in memory."""
    # A large frame is made small while it is still planes, a small one is enlarged when it is a picture:
    # colours are converted at the smaller of both sizes.
    rgb = network_input(frame, min(size, frame.size))
    if (rgb.shape[1], rgb.shape[0]) != size:
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA), np.uint8)


class Picture:
    """A QImage over an array, which lives as long as it: Qt only borrows the memory."""

    def __init__(self, bgrx: UInt8Array) -> None:
        height, width = bgrx.shape[:2]
        self.size = width, height
        self._bgrx = np.ascontiguousarray(bgrx)
        memory = cast(bytes, self._bgrx.data)  # any buffer does, PyQt6's stubs say bytes
        self.image = QImage(memory, width, height, 4 * width, QImage.Format.Format_RGB32)
