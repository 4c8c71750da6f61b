"""A class in the side panel: its colour, whether it is shown, and how much of the picture it takes."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QIcon, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QStyle, QToolButton, QWidget

from rtseg.labels import Rgb
from rtseg.viewer import texts, theme
from rtseg.viewer.panels import text_font

_SWATCH_PX = 18
_BAR_PX = 64
_SHARE_PX = 15.0


class ClassRow(QWidget):
    """GUI thread only."""

    visibility_toggled = pyqtSignal(str, bool)
    """The class is to be shown or hidden, by the user."""
    color_asked = pyqtSignal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.color: Rgb = (0, 0, 0)
        self.swatch = QToolButton(self)
        self.swatch.setAutoRaise(True)
        self.swatch.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        self.swatch.setToolTip(texts.SWATCH_TIP.format(name=name))
        self.swatch.setAccessibleName(texts.COLOR_OF.format(name=name))
        self.swatch.clicked.connect(self._ask_color)
        self.check = QCheckBox(self)
        self.check.setAccessibleName(name)
        self.check.setToolTip(texts.SHOW_CLASS_TIP.format(name=name))
        # A long name gives way, the figures stay where they are.
        self.check.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.check.toggled.connect(self._draw_swatch)
        self.check.clicked.connect(self._toggle)
        self.share = ShareBar(name, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.swatch)
        line.addWidget(self.check, stretch=1)
        line.addWidget(self.share)

    def show_class(self, color: Rgb, *, visible: bool) -> None:
        """Take this colour and visibility; no signal is given."""
        self.color = color
        self.check.setChecked(visible)
        self.share.set_color(color)
        self._draw_swatch()

    def _ask_color(self) -> None:
        self.color_asked.emit(self.name)

    def _toggle(self, visible: bool) -> None:
        self.visibility_toggled.emit(self.name, visible)

    def _draw_swatch(self) -> None:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QSize(_SWATCH_PX, _SWATCH_PX) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colors(self.palette()).edge)
        painter.setOpacity(1.0 if self.check.isChecked() else 0.3)
        painter.setBrush(QColor(*self.color))
        painter.drawRoundedRect(QRectF(0.5, 0.5, _SWATCH_PX - 1, _SWATCH_PX - 1), 4, 4)
        painter.end()
        self.swatch.setIcon(QIcon(pixmap))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread: the name as far as there is room."""
        super().resizeEvent(event)
        layout, style = self.layout(), self.check.style()
        if layout is None or style is None:
            return
        layout.activate()
        metric = QStyle.PixelMetric
        box_px = style.pixelMetric(metric.PM_IndicatorWidth, None, self.check)
        box_px += style.pixelMetric(metric.PM_CheckBoxLabelSpacing, None, self.check)
        words = self.check.fontMetrics().elidedText(
            self.name, Qt.TextElideMode.ElideRight, self.check.width() - box_px - 2
        )
        self.check.setText(words.replace("&", "&&"))

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._draw_swatch()


class ShareBar(QWidget):
    """A bar and a percentage of constant width. GUI thread only."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._share: float | None = None
        self._color = QColor()
        self._font = text_font(self.fontInfo().pixelSize())
        metrics = QFontMetricsF(self._font)
        self._text_px = metrics.horizontalAdvance(texts.PERCENT.format(value=100.0))
        self.setFixedSize(round(_BAR_PX + 8 + self._text_px), round(max(metrics.height(), _SHARE_PX)))
        self.set_share(None)

    def set_share(self, share: float | None) -> None:
        """0 to 1, or None where nothing is known."""
        if share == self._share and self.accessibleName():
            return
        self._share = share
        self.setAccessibleName(f"{texts.SHARE_OF.format(name=self._name)}: {self.text}")
        self.update()

    def set_color(self, color: Rgb) -> None:
        """Of the bar."""
        self._color = QColor(*color)
        self.update()

    @property
    def text(self) -> str:
        """What stands beside the bar."""
        return texts.NO_VALUE if self._share is None else texts.PERCENT.format(value=100 * self._share)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        trough = QRectF(0, self.height() / 2 - 3, _BAR_PX, 6)
        painter.setBrush(theme.colors(self.palette()).edge)
        painter.drawRoundedRect(trough, 3, 3)
        if self._share:
            painter.setBrush(self._color)
            trough.setWidth(max(6.0, _BAR_PX * min(1.0, self._share)))
            painter.drawRoundedRect(trough, 3, 3)
        painter.setPen(self.palette().windowText().color())
        painter.setFont(self._font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(self.rect()), right, self.text)
