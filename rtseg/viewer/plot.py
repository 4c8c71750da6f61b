"""One plot: its title, what each line is with its newest figure, and the lines.

The only module that knows pyqtgraph, of which it takes what draws lines and axes and leaves all that can be
clicked.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetricsF, QPalette, QPen
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from rtseg.viewer import theme
from rtseg.viewer.panels import text_font
from rtseg.viewer.plot_legend import PlotLegend
from rtseg.viewer.rolling import SPAN_S, Rolling

# On import it wraps the hooks for exceptions in its own, which print to stdout.
_hooks = sys.excepthook, threading.excepthook
import pyqtgraph  # noqa: E402

sys.excepthook, threading.excepthook = _hooks

_SMALL: Final = 0.85
_WIDEST: Final = "88888"


class Plot(QWidget):
    """Draws a `Rolling` that others fill. GUI thread only."""

    def __init__(self, title: str, rolling: Rolling, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rolling = rolling
        self.setAccessibleName(title)
        small = text_font(_SMALL * self.fontInfo().pixelSize())
        heading = QLabel(title, self)
        heading.setFont(text_font(self.fontInfo().pixelSize(), bold=True))
        self.legend = PlotLegend(rolling.names, small, self)
        self._view = pyqtgraph.GraphicsLayoutWidget(self)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # the panel scrolls
        # The words of the outermost marks reach half their height over the axis.
        self._view.ci.setContentsMargins(0, 7, 0, 7)
        self._view.ci.setSpacing(0)
        self._axis = pyqtgraph.AxisItem("left", maxTickLength=0)
        self._axis.setStyle(
            tickFont=small, autoExpandTextSpace=False, tickAlpha=0, hideOverlappingLabels=False
        )
        self._axis.setWidth(round(QFontMetricsF(small).horizontalAdvance(_WIDEST)))
        self._box = pyqtgraph.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self._view.addItem(self._axis, 0, 0)
        self._view.addItem(self._box, 0, 1)
        self._axis.linkToView(self._box)
        self._rules = pyqtgraph.PlotCurveItem(connect="pairs")
        self._curves = {name: pyqtgraph.PlotCurveItem(connect="finite") for name in rolling.names}
        for item in (self._rules, *self._curves.values()):
            item.setSegmentedLineMode("on")  # straight to QPainter.drawLines, half the time of a path
            self._box.addItem(item, ignoreBounds=True)
        self._top: float | None = None

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(heading)
        column.addWidget(self.legend)
        column.addWidget(self._view, stretch=1)
        self.take_palette(self.palette())
        self.draw()

    def take_palette(self, palette: QPalette) -> None:
        """Light or dark."""
        colors = theme.colors(palette)
        self._view.setBackground(palette.window().color())
        self._axis.setPen(QPen(Qt.PenStyle.NoPen))
        self._axis.setTextPen(colors.faint)
        self._rules.setPen(colors.edge)
        lines = dict(zip(self.rolling.names, colors.lines, strict=False))
        for name, curve in self._curves.items():
            # A pen of pyqtgraph counts pixels of the screen, which are small on a dense one.
            curve.setPen(lines[name], width=round(self.devicePixelRatioF()))
        self.legend.set_colors(lines)

    def draw(self) -> None:
        """Show what there is now."""
        top = self.rolling.top()
        if top != self._top:
            self._top = top
            self._box.setRange(xRange=(-SPAN_S, 0), yRange=(0, top), padding=0, disableAutoRange=True)
            marks = (0.0, top / 2, top)
            self._axis.setTicks([[(mark, f"{mark:g}") for mark in marks]])
            self._rules.setData([-SPAN_S, 0] * len(marks), [mark for mark in marks for _ in range(2)])
        ages_s = self.rolling.ages_s
        for name, curve in self._curves.items():
            curve.setData(ages_s, self.rolling.series(name))
        self.legend.set_values({name: self.rolling.last(name) for name in self.rolling.names})
