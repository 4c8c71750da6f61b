"""An image that Qt paints without another conversion."""

from __future__ import annotations

from typing import cast

import numpy as np
from PyQt6.QtGui import QImage

from rtseg.frame import Size, UInt8Array


def fitted(picture: Size, area: Size) -> Size:
    """The largest (width, height) of the picture's aspect that fits into the area, one pixel at least."""
    scale = min(area[0] / picture[0], area[1] / picture[1])
    return max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))


class Picture:
    """A QImage over an array, which lives as long as it: Qt only borrows the memory."""

    def __init__(self, bgrx: UInt8Array) -> None:
        height, width = bgrx.shape[:2]
        self.size = width, height
        self._bgrx = np.ascontiguousarray(bgrx)
        memory = cast(bytes, self._bgrx.data)  # any buffer does, PyQt6's stubs say bytes
        self.image = QImage(memory, width, height, 4 * width, QImage.Format.Format_RGB32)
