"""Translucent panels of text over the picture: rows of a label and a value, each with a colour if need be.

A panel is painted once, a few times a second at most, and then laid over each picture as an image. QImage and
not QPixmap, since it may outlive the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QImage, QPainter

from rtseg.labels import Rgb

_BACK = QColor(13, 16, 21, 184)
_BRIGHT = QColor(246, 248, 250)
_DIM = QColor(176, 186, 198)
_RULE = QColor(255, 255, 255, 34)
_LINE = 1.5  # all lengths below are in units, the height of the text
_PADDING = 0.9
_GAP = 1.6
_SWATCH = 0.95
_MAX_VALUE = 14.0
_BEFORE_OTHERS = (
    Qt.Corner.TopLeftCorner,
    Qt.Corner.BottomRightCorner,
    Qt.Corner.BottomLeftCorner,
    Qt.Corner.TopRightCorner,
)


@dataclass(frozen=True)
class Row:
    """One line; with `apart` a rule divides it from the one above, `quiet` is for what need not be seen."""

    label: str
    value: str = ""
    color: Rgb | None = None
    apart: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Panel:
    """What a panel says; the headline is a large figure with its unit above the rows.

    widest is a value that the column is made for, so that it stays where it is when figures grow;
    widest_label the same of the labels, where these have figures in them.
    """

    rows: tuple[Row, ...]
    widest: str = ""
    headline: tuple[str, str] | None = None
    widest_label: str = ""

    def paint(self, unit_px: float, pixel_ratio: float) -> QImage:
        """The panel as an image with transparent corners. GUI thread."""
        layout = _Layout(self, unit_px)
        size = layout.size * pixel_ratio
        image = QImage(size.toSize(), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(pixel_ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        layout.paint(painter)
        painter.end()
        return image


def text_font(size_px: float, *, bold: bool = False) -> QFont:
    """The desktop's own font, or a fixed one where that has digits of several widths. GUI thread."""
    font = QGuiApplication.font()
    if not has_tabular_digits(font):
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(max(6, round(size_px)))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def has_tabular_digits(font: QFont) -> bool:
    """Whether figures stay in place while they count."""
    metrics = QFontMetricsF(font)
    return len({round(metrics.horizontalAdvance(digit), 2) for digit in "0123456789"}) == 1


def places(sizes: Mapping[Qt.Corner, QSizeF], room: QSizeF, margin_px: float) -> dict[Qt.Corner, QPointF]:
    """Where panels of these sizes lie in their corners of a room.

    One that would cover another stands beside it; where there is no room for that either it is left out.
    """
    taken: dict[Qt.Corner, QRectF] = {}
    for corner in sorted(sizes, key=_BEFORE_OTHERS.index):
        size = sizes[corner]
        right = corner in {Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner}
        bottom = corner in {Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner}
        left_px = round(room.width() - size.width() - margin_px) if right else round(margin_px)
        top_px = round(room.height() - size.height() - margin_px) if bottom else round(margin_px)
        place = QRectF(QPointF(left_px, top_px), size)
        covered = [other for other in taken.values() if other.intersects(place)]
        if covered and not right:
            place.moveLeft(round(max(other.right() for other in covered) + margin_px))
        if covered and (
            place.right() > room.width() or any(other.intersects(place) for other in taken.values())
        ):
            continue
        taken[corner] = place
    return {corner: place.topLeft() for corner, place in taken.items()}


class _Layout:
    """Where things are in one panel, in logical pixels."""

    def __init__(self, panel: Panel, unit_px: float) -> None:
        self._panel = panel
        self._unit = unit_px
        self._font, self._large = text_font(unit_px), text_font(unit_px * 2.1, bold=True)
        self._metrics = QFontMetricsF(self._font)
        swatch = _LINE * unit_px if any(row.color for row in panel.rows) else 0.0
        self._label_left = _PADDING * unit_px + swatch
        self._value_left = self._label_left + self._widest(
            [panel.widest_label, *(row.label for row in panel.rows)]
        )
        values = [row.value for row in panel.rows if row.value]
        value_width = 0.0
        if values:
            self._value_left += _GAP * unit_px
            value_width = min(self._widest([*values, panel.widest]), _MAX_VALUE * unit_px)
        self._right = self._value_left + value_width
        lines = len(panel.rows) + sum(0.5 for row in panel.rows if row.apart)
        headline = 2.3 if panel.headline else 0.0
        height = (2 * _PADDING * 0.75 + headline + lines * _LINE) * unit_px
        self.size = QSizeF(round(self._right + _PADDING * unit_px), round(height))

    def _widest(self, words: Sequence[str]) -> float:
        return max((self._metrics.horizontalAdvance(word) for word in words), default=0.0)

    def paint(self, painter: QPainter) -> None:
        unit = self._unit
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_BACK)
        painter.drawRoundedRect(QRectF(0, 0, self.size.width(), self.size.height()), 0.7 * unit, 0.7 * unit)
        top = _PADDING * 0.75 * unit
        if self._panel.headline:
            self._paint_headline(painter, top, *self._panel.headline)
            top += 2.3 * unit
        for row in self._panel.rows:
            if row.apart:
                rule = QRectF(_PADDING * unit, round(top + 0.25 * unit), self._right - _PADDING * unit, 1)
                painter.fillRect(rule, _RULE)
                top += 0.5 * _LINE * unit
            self._paint_row(painter, top, row)
            top += _LINE * unit

    def _paint_headline(self, painter: QPainter, top: float, figure: str, unit_name: str) -> None:
        left, height = _PADDING * self._unit, 2.3 * self._unit
        line = QRectF(left, top, self._right - left, height)
        painter.setFont(self._large)
        painter.setPen(_BRIGHT)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, figure)
        # Behind a figure of the usual length, not behind this one: it must not move.
        large = QFontMetricsF(self._large)
        width = large.horizontalAdvance(figure.rjust(4, "0"))
        painter.setFont(self._font)
        painter.setPen(_DIM)
        baseline = top + (height + large.ascent() - large.descent()) / 2
        painter.drawText(QPointF(left + width + 0.4 * self._unit, baseline), unit_name)

    def _paint_row(self, painter: QPainter, top: float, row: Row) -> None:
        unit, height = self._unit, _LINE * self._unit
        if row.color:
            side = _SWATCH * unit
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*row.color))
            swatch = QRectF(_PADDING * unit, top + (height - side) / 2, side, side)
            painter.drawRoundedRect(swatch, 0.22 * unit, 0.22 * unit)
        painter.setFont(self._font)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(_DIM if row.quiet or (row.value and not row.color) else _BRIGHT)
        label = QRectF(self._label_left, top, self._value_left - self._label_left, height)
        painter.drawText(label, Qt.AlignmentFlag.AlignLeft | middle, row.label)
        if row.value:
            width = self._right - self._value_left
            value = self._metrics.elidedText(row.value, Qt.TextElideMode.ElideMiddle, width + 1)
            painter.setPen(_BRIGHT)
            painter.drawText(
                QRectF(self._value_left, top, width, height), Qt.AlignmentFlag.AlignRight | middle, value
            )
