"""The widget that paints the newest picture, letterboxed, with panels over it."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from rtseg.frame import Frame, Size
from rtseg.viewer import texts
from rtseg.viewer.panels import Panel, text_font
from rtseg.viewer.picture import Picture, fitted, to_bgrx

_BACKGROUND = QColor(18, 20, 24)
_FAINT = QColor(150, 158, 168)
_BRIGHT = QColor(235, 238, 242)
_VEIL = QColor(18, 20, 24, 190)


class Canvas(QWidget):
    """Paints a frame at the size in which it is seen, and panels into three corners. GUI thread only."""

    painted = pyqtSignal(object)
    """A frame, right after it was painted for the first time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(480, 300)
        self.frame: Frame | None = None
        self._picture: Picture | None = None
        self._announced = True
        self._trouble = ""
        self._panels: dict[Qt.Corner, Panel] = {}
        self._panel_images: dict[Qt.Corner, QImage] = {}
        self._painted_for: tuple[float, float] = (0.0, 0.0)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt, GUI thread."""
        return QSize(1280, 720)

    def show_frame(self, frame: Frame) -> None:
        """Paint this frame from now on. GUI thread; nothing is converted before it is seen."""
        self.frame = frame
        self._picture = None
        self._announced = False
        self.update()

    def set_trouble(self, text: str) -> None:
        """Say why no picture comes, over a dimmed last one; empty while they come. GUI thread."""
        if text != self._trouble:
            self._trouble = text
            self.update()

    def set_panels(self, panels: dict[Qt.Corner, Panel]) -> None:
        """Lay these panels over the picture. GUI thread; a panel that says the same is not painted again."""
        if panels == self._panels:
            return
        kept = {corner for corner, panel in panels.items() if self._panels.get(corner) == panel}
        self._panel_images = {corner: image for corner, image in self._panel_images.items() if corner in kept}
        self._panels = dict(panels)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        painter = QPainter(self)
        if self.frame is None:
            self._paint_waiting(painter)
        else:
            self._paint_frame(painter, self.frame)
            self._paint_trouble(painter)
        self._paint_panels(painter)
        painter.end()
        if self.frame is not None and not self._announced:
            self._announced = True
            self.painted.emit(self.frame)

    def _paint_waiting(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), _BACKGROUND)
        painter.setPen(_FAINT)
        painter.setFont(text_font(self._unit_px() * 1.3))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, texts.WAITING)

    def _paint_frame(self, painter: QPainter, frame: Frame) -> None:
        ratio = self.devicePixelRatioF()
        area: Size = max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        size = fitted(frame.size, area)
        if self._picture is None or self._picture.size != size:
            self._picture = Picture(to_bgrx(frame, size))
        if size != area:
            painter.fillRect(self.rect(), _BACKGROUND)
        # Pixel on pixel: on whole pixels of the screen, and never scaled by Qt.
        corner = QPointF((area[0] - size[0]) // 2 / ratio, (area[1] - size[1]) // 2 / ratio)
        extent = QRectF(corner.x(), corner.y(), size[0] / ratio, size[1] / ratio)
        painter.drawImage(extent, self._picture.image)

    def _paint_trouble(self, painter: QPainter) -> None:
        if self._trouble:
            painter.fillRect(self.rect(), _VEIL)
            painter.setPen(_BRIGHT)
            painter.setFont(text_font(self._unit_px() * 1.3))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), flags, self._trouble)

    def _unit_px(self) -> float:
        """The height of text in panels: readable from afar on a large screen, all of it on a small one."""
        return float(min(max(self.height() / 48, 10.0), 22.0))

    def _paint_panels(self, painter: QPainter) -> None:
        unit, ratio = self._unit_px(), self.devicePixelRatioF()
        if self._painted_for != (unit, ratio):
            self._painted_for = (unit, ratio)
            self._panel_images.clear()
        for corner, panel in self._panels.items():
            image = self._panel_images.get(corner)
            if image is None:
                image = self._panel_images[corner] = panel.paint(unit, ratio)
            width, height = image.deviceIndependentSize().width(), image.deviceIndependentSize().height()
            right = corner in {Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner}
            bottom = corner in {Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner}
            left_px = round(self.width() - width - unit) if right else round(unit)
            top_px = round(self.height() - height - unit) if bottom else round(unit)
            painter.drawImage(QPointF(left_px, top_px), image)
