"""What each line of a plot is, and its newest figure. Painted, which is cheaper than labels of rich text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from rtseg.viewer import texts

_DASH_PX: Final = 8
_GAP_PX: Final = 4
_WIDEST: Final = "88.8"


class PlotLegend(QWidget):
    """GUI thread only."""

    def __init__(self, names: Sequence[str], font: QFont, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = tuple(names)
        self._columns = len(self._names) if len(self._names) <= 3 else 2
        self._bold = QFont(font)
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._font = font
        self._metrics = QFontMetricsF(font)
        self._lefts, self._least_px = self._layout()
        self._figures = dict.fromkeys(self._names, texts.NO_VALUE)
        self._colors: dict[str, QColor] = {}
        lines = math.ceil(len(self._names) / self._columns)
        self.setFixedHeight(math.ceil(lines * self._metrics.lineSpacing()))

    def _layout(self) -> tuple[list[float], float]:
        """Where columns begin when there is no room to spare, and where the last one ends."""
        figure_px = QFontMetricsF(self._bold).horizontalAdvance(_WIDEST)
        lefts, right = [], 0.0
        for column in range(self._columns):
            lefts.append(right)
            names = self._names[column :: self._columns]
            name_px = max(self._metrics.horizontalAdvance(texts.SERIES[name]) for name in names)
            right += _DASH_PX + name_px + figure_px + 2 * _GAP_PX
        return lefts, right

    def set_colors(self, colors: Mapping[str, QColor]) -> None:
        """Of the lines, by name."""
        self._colors = dict(colors)
        self.update()

    def set_values(self, values: Mapping[str, float | None]) -> None:
        """The newest figures, by name."""
        figures = {name: _figure(value) for name, value in values.items()}
        if figures != self._figures:
            self._figures = figures
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        painter = QPainter(self)
        ink = self.palette().windowText().color()
        line_px, spare_px = self._metrics.lineSpacing(), (self.width() - self._least_px) / self._columns
        for place, name in enumerate(self._names):
            row, column = divmod(place, self._columns)
            left, top = self._lefts[column] + column * spare_px, row * line_px
            dash = QRectF(left, round(top + line_px / 2) - 1, _DASH_PX, 2)
            painter.fillRect(dash, self._colors.get(name, ink))
            left += _DASH_PX + _GAP_PX
            baseline = top + self._metrics.ascent()
            painter.setPen(ink)
            painter.setFont(self._font)
            words = texts.SERIES[name]
            painter.drawText(QPointF(left, baseline), words)
            painter.setFont(self._bold)
            left += self._metrics.horizontalAdvance(words) + _GAP_PX
            painter.drawText(QPointF(left, baseline), self._figures[name])


def _figure(value: float | None) -> str:
    """Four places at most, up to 9999."""
    if value is None:
        return texts.NO_VALUE
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
