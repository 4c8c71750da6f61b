"""The widget that shows the picture: draws the canvas that was made for it, with panels over it.

Wheel and pinch zoom, dragging moves what is zoomed or the line of the split view, a double click asks for the
full screen.
"""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from rtseg.frame import Size
from rtseg.runtime.renderer import Rendered
from rtseg.runtime.view import View
from rtseg.viewer import texts
from rtseg.viewer.panels import Panel, places, text_font
from rtseg.viewer.picture import Picture

BACKGROUND = (18, 20, 24)
_FAINT = QColor(150, 158, 168)
_BRIGHT = QColor(235, 238, 242)
_VEIL = QColor(18, 20, 24, 190)
_LINE = QColor(255, 255, 255, 220)
_GRIP_PX = 9.0
_NEAR_LINE_PX = 12.0
_NOTCH = 120.0
_ZOOM_A_NOTCH = 1.25


class Canvas(QWidget):
    """GUI thread only. Whoever owns it has a canvas made for `view` whenever that changes."""

    view_changed = pyqtSignal(object)
    """Another `View` is wanted."""
    painted = pyqtSignal(object)
    """A `Rendered`, right after it was painted for the first time."""
    full_screen_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 180)
        self.setAccessibleName(texts.CANVAS)
        self.view = View((1, 1))
        self.rendered: Rendered | None = None
        self._picture: Picture | None = None
        self._announced = True
        self._trouble = ""
        self._panels: dict[Qt.Corner, Panel] = {}
        self._panel_images: dict[Qt.Corner, QImage] = {}
        self._painted_for = 0.0, 0.0
        self._dragged_from: QPointF | None = None
        self._dragging_line = False

    def sizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt, GUI thread."""
        return QSize(1280, 720)

    def show_rendered(self, rendered: Rendered) -> None:
        """Paint this from now on."""
        self.rendered = rendered
        self._picture = Picture(rendered.canvas)
        self._announced = False
        self.update()

    def set_view(self, view: View) -> None:
        """Ask for this view, at the size that the canvas has."""
        view = replace(view, size=self._pixels())
        if view != self.view:
            self.view = view
            self.view_changed.emit(view)
            self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Closer by a factor, around a point of the canvas or its middle."""
        where = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        ratio = self.devicePixelRatioF()
        self.set_view(self.view.zoomed(factor, (where.x() * ratio, where.y() * ratio), self.picture_size))

    def pan(self, across: float, down: float) -> None:
        """The picture moved by parts of the canvas."""
        width, height = self.view.size
        self.set_view(self.view.panned((across * width, down * height), self.picture_size))

    def fit(self) -> None:
        """The whole picture again."""
        self.set_view(replace(self.view, zoom=1.0, center=(0.5, 0.5)))

    @property
    def picture_size(self) -> Size:
        """The (width, height) of the frame, or of the canvas as long as there is none."""
        return self.rendered.shown.frame.size if self.rendered else self.view.size

    def set_trouble(self, text: str) -> None:
        """Say why no picture comes, over a dimmed last one; empty while they come."""
        if text != self._trouble:
            self._trouble = text
            self.update()

    def set_panels(self, panels: dict[Qt.Corner, Panel]) -> None:
        """Lay these panels over the picture; one that says the same is not painted again."""
        if panels == self._panels:
            return
        kept = {corner for corner, panel in panels.items() if self._panels.get(corner) == panel}
        self._panel_images = {corner: image for corner, image in self._panel_images.items() if corner in kept}
        self._panels = dict(panels)
        self.update()

    @property
    def panels(self) -> dict[Qt.Corner, Panel]:
        """What lies over the picture."""
        return dict(self._panels)

    # Painting.

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        painter = QPainter(self)
        if self._picture is None:
            self._paint_waiting(painter)
        else:
            # Of another size only while the window is resized, until one of the new size has come.
            painter.drawImage(QRectF(self.rect()), self._picture.image)
            if self.view.mode == "split":
                self._paint_line(painter)
            if self._trouble:
                painter.fillRect(self.rect(), _VEIL)
                self._paint_text(painter, self._trouble, _BRIGHT)
        self._paint_panels(painter)
        painter.end()
        if self.rendered is not None and not self._announced:
            self._announced = True
            self.painted.emit(self.rendered)

    def _paint_waiting(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), QColor(*BACKGROUND))
        self._paint_text(painter, self._trouble or texts.WAITING, _FAINT)

    def _paint_text(self, painter: QPainter, text: str, color: QColor) -> None:
        painter.setPen(color)
        painter.setFont(text_font(self._unit_px() * 1.3))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_line(self, painter: QPainter) -> None:
        x, middle = self._line_x(), self.height() / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(x - 1, 0, 2, self.height()), _LINE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_LINE)
        painter.drawEllipse(QPointF(x, middle), _GRIP_PX, _GRIP_PX)
        painter.setBrush(QColor(*BACKGROUND))
        for side in (-1, 1):
            tip, back = x + side * _GRIP_PX * 0.65, x + side * _GRIP_PX * 0.25
            arrow = [QPointF(tip, middle), QPointF(back, middle - 4), QPointF(back, middle + 4)]
            painter.drawPolygon(QPolygonF(arrow))

    def _line_x(self) -> float:
        return self.view.split_x / self.devicePixelRatioF()

    def _unit_px(self) -> float:
        """The height of text in panels: readable from afar on a large screen, all of it on a small one."""
        return float(min(max(self.height() / 48, 10.0), 22.0))

    def _paint_panels(self, painter: QPainter) -> None:
        unit, ratio = self._unit_px(), self.devicePixelRatioF()
        if self._painted_for != (unit, ratio):
            self._painted_for = unit, ratio
            self._panel_images.clear()
        images = self._panel_images
        for corner, panel in self._panels.items():
            if corner not in images:
                images[corner] = panel.paint(unit, ratio)
        sizes = {corner: images[corner].deviceIndependentSize() for corner in self._panels}
        for corner, at in places(sizes, QSizeF(self.size()), unit).items():
            painter.drawImage(at, images[corner])

    # What people do with it.

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        self.set_view(self.view)

    def _pixels(self) -> Size:
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is not None and event.angleDelta().y():
            self.zoom(_ZOOM_A_NOTCH ** (event.angleDelta().y() / _NOTCH), event.position())

    def event(self, event: QEvent | None) -> bool:
        """Called by Qt, GUI thread: pinching a touchpad, and moving to a screen of other pixels."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom(1 + event.value(), event.position())
            return True
        if event is not None and event.type() == QEvent.Type.DevicePixelRatioChange:
            self.set_view(self.view)
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self._dragging_line = self._is_at_line(event.position())
        self._dragged_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is None:
            return
        at, start = event.position(), self._dragged_from
        if start is None:
            self._show_cursor(at)
        elif self._dragging_line:
            self.set_view(replace(self.view, split=min(max(at.x() / max(1, self.width()), 0.0), 1.0)))
        elif self.view.zoom > 1:
            ratio = self.devicePixelRatioF()
            moved = (at - start) * ratio
            self._dragged_from = at
            self.set_view(self.view.panned((moved.x(), moved.y()), self.picture_size))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        self._dragged_from = None
        self._dragging_line = False

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.full_screen_asked.emit()

    def _is_at_line(self, at: QPointF) -> bool:
        return self.view.mode == "split" and abs(at.x() - self._line_x()) <= _NEAR_LINE_PX

    def _show_cursor(self, at: QPointF) -> None:
        if self._is_at_line(at):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self.view.zoom > 1:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()
