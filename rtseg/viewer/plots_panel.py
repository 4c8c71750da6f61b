"""Rolling plots of the last minute: frames a second, the time of each stage, and age."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from rtseg.viewer import texts
from rtseg.viewer.meter import Reading
from rtseg.viewer.rolling import Rolling

_LEAST_HEIGHT_PX: Final = 118
_MOST_HEIGHT_PX: Final = 190
_Figures = Mapping[str, float | None]

STAGES: Final = ("preprocess", "inference", "overlay", "output")
"""Those that are plotted; capture mostly waits for the source and says nothing of the machine."""


def _rates(reading: Reading) -> _Figures:
    return {
        "capture_fps": reading.capture_fps,
        "inference_fps": reading.inference_fps,
        "display_fps": reading.fps,
    }


def _stages(reading: Reading) -> _Figures:
    return {stage: reading.stages_ms.get(stage) for stage in STAGES}


def _ages(reading: Reading) -> _Figures:
    return {"age_p50": reading.age_ms, "age_p95": reading.age_p95_ms}


_PLOTS: Final[dict[str, Callable[[Reading], _Figures]]] = {
    texts.PLOT_RATES: _rates,
    texts.PLOT_STAGES: _stages,
    texts.PLOT_AGES: _ages,
}


class PlotsPanel(QWidget):
    """Fed a few times a second. GUI thread only.

    pyqtgraph is loaded when the panel is seen with something to show, so that it costs a window nothing that
    opens without it. What came while it was hidden is there when it is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots: list[Any] = []
        self._rolling = {title: Rolling(tuple(figures(Reading()))) for title, figures in _PLOTS.items()}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._without = QLabel(texts.NO_PYQTGRAPH, self)
        self._without.setWordWrap(True)
        self._without.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._without.hide()
        self._column.addWidget(self._without)
        self._made = False
        self._stale = False
        # The room is taken before the plots are there, so that nothing moves when they come.
        between_px = (len(_PLOTS) - 1) * self._column.spacing()
        self.setMinimumHeight(len(_PLOTS) * _LEAST_HEIGHT_PX + between_px)
        self.setMaximumHeight(len(_PLOTS) * _MOST_HEIGHT_PX + between_px)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def add(self, reading: Reading, at_s: float | None = None) -> None:
        """The newest figures, at `time.monotonic()` unless said."""
        for title, figures in _PLOTS.items():
            self._rolling[title].add(figures(reading), at_s)
        self._stale = True
        self._draw()

    def clear(self) -> None:
        """Forget what was; another source or network has begun."""
        for rolling in self._rolling.values():
            rolling.clear()
        self._stale = True
        self._draw()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        super().showEvent(event)
        self._draw()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            for plot in self.plots:
                plot.take_palette(self.palette())

    def _draw(self) -> None:
        if not self._stale or not self.isVisible():
            return
        self._make()
        self._stale = False
        for plot in self.plots:
            plot.draw()

    def _make(self) -> None:
        if self._made:
            return
        self._made = True
        try:
            from rtseg.viewer.plot import Plot
        except ImportError:
            self.setMinimumHeight(0)
            self._without.show()
            return
        for title, rolling in self._rolling.items():
            plot = Plot(title, rolling, self)
            self.plots.append(plot)
            self._column.addWidget(plot)
