"""Small symbols in the colour of the text beside them, in light and dark, at any size of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPainterPath, QPalette, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import QAbstractButton

_SIDE = 20  # of the field that symbols are drawn in, in logical pixels
_LINE = 1.6
_RATIOS = (1, 2, 3)


def set_icon(button: QAbstractButton, name: str) -> None:
    """Give a button the symbol of this name; it follows the colours of its palette. GUI thread."""
    follower = button.findChild(_Follower) or _Follower(button)
    follower.show(name)


class _Follower(QObject):
    """Draws a button's symbol anew when its palette changes."""

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._button = button
        self._name = ""
        button.setIconSize(QSize(_SIDE, _SIDE))
        button.installEventFilter(self)

    def show(self, name: str) -> None:
        self._name = name
        palette = self._button.palette()
        icon = QIcon()
        for mode, group in (
            (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
            (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
        ):
            color = palette.color(group, QPalette.ColorRole.ButtonText)
            for ratio in _RATIOS:
                icon.addPixmap(_drawn(name, ratio, QPen(color, _LINE)), mode)
        self._button.setIcon(icon)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Called by Qt."""
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self.show(self._name)
        return False


def _drawn(name: str, ratio: int, pen: QPen) -> QPixmap:
    pixmap = QPixmap(_SIDE * ratio, _SIDE * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(pen)
    SYMBOLS[name](painter)
    painter.end()
    return pixmap


def _fill(painter: QPainter, *points: tuple[float, float]) -> None:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(*point) for point in points]))
    path.closeSubpath()
    painter.fillPath(path, painter.pen().color())


def _bar(painter: QPainter, left: float, width: float = 3.0) -> None:
    painter.fillRect(QRectF(left, 4.5, width, 11), painter.pen().color())


def _play(painter: QPainter) -> None:
    _fill(painter, (6, 4), (16, 10), (6, 16))


def _pause(painter: QPainter) -> None:
    _bar(painter, 5.5)
    _bar(painter, 11.5)


def _step_back(painter: QPainter) -> None:
    _fill(painter, (11, 5), (11, 15), (3.5, 10))
    _bar(painter, 13, 2.2)


def _step_forward(painter: QPainter) -> None:
    _fill(painter, (9, 5), (9, 15), (16.5, 10))
    _bar(painter, 4.8, 2.2)


def _loop(painter: QPainter) -> None:
    painter.drawArc(QRectF(4, 4, 12, 12), 60 * 16, 300 * 16)
    _fill(painter, (9.5, 1.2), (15.2, 4.4), (9.8, 7.8))


def _file(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(3, 4, 14, 12), 1.5, 1.5)
    _fill(painter, (8.2, 7), (8.2, 13), (13, 10))


def _folder(painter: QPainter) -> None:
    corners = ((2.5, 15.5), (2.5, 4.5), (7.5, 4.5), (9.2, 6.5), (17.5, 6.5), (17.5, 15.5))
    painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))


def _road(painter: QPainter) -> None:
    painter.drawLine(QPointF(8, 4), QPointF(3, 16))
    painter.drawLine(QPointF(12, 4), QPointF(17, 16))
    for top, bottom in ((4.5, 6.5), (9, 11), (13.5, 16)):
        painter.drawLine(QPointF(10, top), QPointF(10, bottom))


SYMBOLS: Final[dict[str, Callable[[QPainter], None]]] = {
    "play": _play,
    "pause": _pause,
    "step-back": _step_back,
    "step-forward": _step_forward,
    "loop": _loop,
    "file": _file,
    "folder": _folder,
    "demo": _road,
}
