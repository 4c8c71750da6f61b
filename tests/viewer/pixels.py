"""Pictures of widgets as arrays."""

from __future__ import annotations

import numpy as np
from PyQt6.QtGui import QImage


def rgb_of(image: QImage) -> np.ndarray:
    """(H, W, 3)"""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    assert bits is not None
    bits.setsize(image.sizeInBytes())
    lines = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
