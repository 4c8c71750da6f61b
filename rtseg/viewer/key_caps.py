"""Keys drawn as on a keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from rtseg.viewer import theme
from rtseg.viewer.panels import text_font

_PADDING_PX: Final = 6
_GAP_PX: Final = 4
_RADIUS_PX: Final = 4


class KeyCaps(QWidget):
    """Any of these keys. GUI thread only."""

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = tuple(names)
        self._font = text_font(0.88 * self.fontInfo().pixelSize())
        metrics = QFontMetricsF(self._font)
        height = metrics.height() + 5
        self._widths = [
            max(height, metrics.horizontalAdvance(name) + 2 * _PADDING_PX) for name in self._names
        ]
        width = sum(self._widths) + _GAP_PX * max(0, len(self._names) - 1)
        self.setFixedSize(round(width) + 1, round(height) + 1)
        self.setAccessibleName(", ".join(self._names))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        colors = theme.colors(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        left = 0.5
        for name, width in zip(self._names, self._widths, strict=True):
            cap = QRectF(left, 0.5, width - 1, self.height() - 1.5)
            painter.setPen(colors.edge)
            painter.setBrush(self.palette().window())
            painter.drawRoundedRect(cap, _RADIUS_PX, _RADIUS_PX)
            painter.setPen(self.palette().windowText().color())
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, name)
            left += width + _GAP_PX
