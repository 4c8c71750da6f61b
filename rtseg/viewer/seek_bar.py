"""Where a recording is: a bar to click and drag, with a small picture of what is under the mouse."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPalette, QPixmap
from PyQt6.QtWidgets import QFrame, QLabel, QSlider, QVBoxLayout, QWidget

from rtseg.frame import UInt8Array
from rtseg.viewer import texts
from rtseg.viewer.panels import text_font

_SEEK_MS = 100  # between two seeks while the bar is dragged
_GROOVE, _HANDLE = 4.0, 7.0  # height and radius in pixels
_EDGE = 8  # pixels left and right of the groove, for the handle
_ABOVE = 8

Thumbnail = Callable[[float], "UInt8Array | None"]


def clock(seconds: float, *, hours: bool = False) -> str:
    """0:07.5, or with hours 1:02:07.5; never rounded up to a moment that was not reached.

    >>> clock(67.56)
    '1:07.5'
    """
    tenths = int(seconds * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    tail = f"{rest // 10:02}.{rest % 10}"
    return f"{minutes // 60}:{minutes % 60:02}:{tail}" if hours or minutes >= 60 else f"{minutes}:{tail}"


class SeekBar(QSlider):
    """A slider over milliseconds. GUI thread only."""

    sought = pyqtSignal(float)
    """Seconds; about ten a second while it is dragged, and always the last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(texts.SEEK)
        self.setSingleStep(5_000)
        self.setPageStep(30_000)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._thumbnail: Thumbnail | None = None
        self.pop_up = _PopUp(self)
        self._hover_x: int | None = None
        self._wanted_ms: int | None = None
        self._seeks = QTimer(self)
        self._seeks.setSingleShot(True)
        self._seeks.setInterval(_SEEK_MS)
        self._seeks.timeout.connect(self._tell)
        self.valueChanged.connect(self._changed)
        self.set_duration(None)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt."""
        return QSize(240, 26)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt."""
        return QSize(80, 26)

    def set_duration(self, duration_s: float | None) -> None:
        """How long the bar is; None is for a recording that cannot be sought."""
        seekable = duration_s is not None and duration_s > 0
        if seekable != self.isEnabled():
            self.setEnabled(seekable)
        self.setToolTip("" if seekable else texts.NOT_SEEKABLE)  # over pictures there is no room for words
        self.setAccessibleDescription(texts.SEEK_TIP if seekable else texts.NOT_SEEKABLE)
        self._quietly(lambda: self.setRange(0, round((duration_s or 0.0) * 1000)))

    def set_position(self, position_s: float) -> None:
        """Where the recording is. Not to be called while somebody is dragging the bar elsewhere."""
        self._quietly(lambda: self.setValue(round(position_s * 1000)))

    def set_thumbnails(self, thumbnail: Thumbnail | None) -> None:
        """Where small pictures come from: (h, w, 3) RGB of a time in seconds, None where there is none."""
        self._thumbnail = thumbnail

    def _quietly(self, change: Callable[[], None]) -> None:
        before = self.blockSignals(True)
        change()
        self.blockSignals(before)

    def _changed(self, value_ms: int) -> None:
        """By the user: by mouse, wheel or keys."""
        self._wanted_ms = value_ms
        if not self._seeks.isActive():
            self._tell()

    def _tell(self) -> None:
        if self._wanted_ms is not None:
            wanted_ms, self._wanted_ms = self._wanted_ms, None
            self._seeks.start()
            self.sought.emit(wanted_ms / 1000)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt: goes where it is clicked, and can be dragged on from there."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self.setSliderDown(True)
        before = self.value()
        self._drag(event)
        if self.value() == before:
            self._changed(before)  # a click on the handle is one too

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        if event is None:
            return
        if self.isSliderDown():
            self._drag(event)
        else:
            self._hover(round(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self._seeks.stop()
            self._tell()
            self.setSliderDown(False)
            if not self.rect().contains(event.position().toPoint()):
                self._leave()

    def event(self, event: QEvent | None) -> bool:
        """Called by Qt."""
        if (
            event is not None
            and event.type() in {QEvent.Type.Leave, QEvent.Type.Hide}
            and not self.isSliderDown()
        ):
            self._leave()
        return super().event(event)

    def _drag(self, event: QMouseEvent) -> None:
        x = round(event.position().x())
        self.setValue(self._value_at(x))
        self._hover(x)

    def _value_at(self, x: int) -> int:
        share = (x - _EDGE) / max(1, self.width() - 2 * _EDGE)
        return round(min(1.0, max(0.0, share)) * self.maximum())

    def _x_of(self, value: int) -> float:
        return _EDGE + (self.width() - 2 * _EDGE) * value / max(1, self.maximum())

    def _hover(self, x: int) -> None:
        if not self.isEnabled():
            return
        self._hover_x = min(max(x, _EDGE), self.width() - _EDGE)
        seconds = self._value_at(x) / 1000
        picture = self._thumbnail(seconds) if self._thumbnail is not None else None
        self.pop_up.show_at(self, self._hover_x, seconds, picture)
        self.update()

    def _leave(self) -> None:
        self._hover_x = None
        self.pop_up.hide()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        palette = self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        groove = QRectF(_EDGE, middle - _GROOVE / 2, self.width() - 2 * _EDGE, _GROOVE)
        faint = palette.color(QPalette.ColorRole.WindowText)
        faint.setAlpha(56 if self.isEnabled() else 28)
        painter.setBrush(faint)
        painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        if self.isEnabled():
            at = self._x_of(self.value())
            if self._hover_x is not None:
                reached = QRectF(groove)
                reached.setRight(self._hover_x)
                painter.drawRoundedRect(reached, _GROOVE / 2, _GROOVE / 2)
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            groove.setRight(at)
            painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
            painter.drawEllipse(QPointF(at, middle), _HANDLE, _HANDLE)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(palette.color(QPalette.ColorRole.WindowText))
                painter.drawEllipse(QPointF(at, middle), _HANDLE + 0.5, _HANDLE + 0.5)
        painter.end()


class _PopUp(QFrame):
    """A picture and its time, above the mouse. Never takes the focus."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture = QLabel(self)
        self._time = QLabel(self)
        for label in (self._picture, self._time):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._time.setFont(text_font(13))
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(3)
        column.addWidget(self._picture)
        column.addWidget(self._time)
        self.hide()

    def show_at(self, bar: QWidget, x: int, seconds: float, picture: UInt8Array | None) -> None:
        self._time.setText(clock(seconds))
        self._picture.setVisible(picture is not None)
        if picture is not None:
            height, width = picture.shape[:2]
            image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
            self._picture.setPixmap(QPixmap.fromImage(image))
        self.adjustSize()
        place = bar.mapToGlobal(QPoint(x - self.width() // 2, -self.height() - _ABOVE))
        window = bar.window()
        if window is not None:  # not beyond its sides, as far as it fits between them
            left = window.mapToGlobal(QPoint(0, 0)).x()
            place.setX(max(left, min(place.x(), left + window.width() - self.width())))
        self.move(place)
        self.show()
