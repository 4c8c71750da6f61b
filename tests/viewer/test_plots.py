"""The rolling plots: what they keep, how their axes grow, and that they cost a window little."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from pixels import rgb_of
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QApplication, QVBoxLayout, QWidget

from rtseg.viewer import texts, theme
from rtseg.viewer.meter import Reading
from rtseg.viewer.plots_panel import STAGES, PlotsPanel
from rtseg.viewer.rolling import Rolling


def test_a_minute_is_kept() -> None:
    rolling = Rolling(("a", "b"))
    for number in range(1000):
        rolling.add({"a": float(number)}, number / 4)
    assert rolling.ages_s[0] == -60
    assert rolling.ages_s[-1] == 0
    assert list(rolling.series("a")) == list(range(759, 1000))
    assert rolling.last("a") == 999
    assert np.isnan(rolling.series("b")).all()
    assert rolling.last("b") is None
    rolling.clear()
    assert rolling.ages_s.size == 0
    assert rolling.last("a") is None


def test_readings_that_come_too_often_push_out_the_oldest() -> None:
    rolling = Rolling(("a",))
    for number in range(5000):
        rolling.add({"a": float(number)}, number / 1000)
    assert rolling.series("a")[-1] == 4999
    assert rolling.series("a").size <= 300


def test_an_axis_grows_in_steps_and_does_not_flicker() -> None:
    rolling = Rolling(("a",))
    tops = []
    for number, value in enumerate([0.5, 28, 31, 44, 46, 44, 46, 210]):
        rolling.add({"a": value}, float(number))
        tops.append(rolling.top())
    assert tops == [1, 50, 50, 50, 100, 100, 100, 500]
    rolling.add({"a": 90}, 66.0)  # what was higher is more than a minute ago but for one
    assert rolling.top() == 500
    rolling.add({"a": 150}, 68.0)
    assert rolling.top() == 500, "one step lower is not worth a jump"
    rolling.add({"a": 40}, 129.0)
    assert rolling.top() == 50
    rolling.add({"a": 1e12}, 130.0)
    assert np.isfinite(rolling.top())


@pytest.fixture
def page(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.setFixedWidth(310)
    QVBoxLayout(made)
    made.show()
    return made


@pytest.fixture
def panel(page: QWidget) -> PlotsPanel:
    made = PlotsPanel(page)
    page.layout().addWidget(made)
    return made


def reading(number: int) -> Reading:
    return Reading(
        fps=28 + number % 2,
        capture_fps=30,
        inference_fps=29,
        age_ms=20,
        age_p95_ms=30,
        stages_ms={"capture": 900, "preprocess": 1, "inference": 15, "overlay": 2, "output": 0.5},
    )


def shown_lines(panel: PlotsPanel) -> dict[str, int]:
    """How many pixels each line has."""
    counts = {}
    for plot in panel.plots:
        picture = rgb_of(plot._view.grab().toImage())
        for name, color in zip(plot.rolling.names, theme.colors(panel.palette()).lines, strict=False):
            rgb = (color.red(), color.green(), color.blue())
            counts[name] = int((picture == rgb).all(axis=-1).sum())
    return counts


def test_every_line_is_drawn_with_its_newest_figure(panel: PlotsPanel) -> None:
    for number in range(240):
        panel.add(reading(number), number / 4)
    assert set(shown_lines(panel)) == {
        "capture_fps", "inference_fps", "display_fps", *STAGES, "age_p50", "age_p95",
    }  # fmt: skip
    assert min(shown_lines(panel).values()) > 100
    figures = {name: figure for plot in panel.plots for name, figure in plot.legend._figures.items()}
    assert figures["display_fps"] == "29.0"
    assert figures["inference"] == "15.0"
    assert figures["age_p95"] == "30.0"
    panel.clear()
    assert max(shown_lines(panel).values()) == 0
    assert set(panel.plots[0].legend._figures.values()) == {texts.NO_VALUE}


def test_a_gap_is_a_gap(panel: PlotsPanel) -> None:
    for number in range(240):
        panel.add(Reading() if 80 <= number < 160 else reading(number), number / 4)
    assert 50 < shown_lines(panel)["age_p50"] < 230


def test_nothing_moves_when_the_plots_come_and_figures_grow(panel: PlotsPanel, page: QWidget) -> None:
    QApplication.processEvents()
    before = panel.geometry()
    panel.add(reading(0))
    QApplication.processEvents()
    places = [plot._view.geometry() for plot in panel.plots]
    panel.add(Reading(fps=1234, age_ms=99999, stages_ms={"inference": 12345}))
    QApplication.processEvents()
    assert panel.geometry() == before
    assert [plot._view.geometry() for plot in panel.plots] == places
    assert panel.minimumSizeHint().width() <= panel.width()


def test_what_came_while_it_was_hidden_is_there_when_it_is_shown(panel: PlotsPanel, page: QWidget) -> None:
    panel.hide()
    for number in range(200):
        panel.add(reading(number), number / 4)
    assert panel.plots == []
    panel.show()
    assert min(shown_lines(panel).values()) > 60


def test_light_and_dark_are_followed(panel: PlotsPanel, page: QWidget) -> None:
    panel.add(reading(0), 0.0)
    panel.add(reading(1), 30.0)
    dark = page.palette()
    dark.setColor(dark.ColorRole.Window, QColor(20, 22, 26))
    dark.setColor(dark.ColorRole.WindowText, QColor(230, 230, 230))
    page.setPalette(dark)
    QApplication.processEvents()
    picture = rgb_of(panel.plots[0]._view.grab().toImage())
    assert tuple(picture[2, -2]) == (20, 22, 26)
    assert shown_lines(panel)["capture_fps"] > 20


def test_pyqtgraph_does_not_take_the_hooks_for_exceptions(panel: PlotsPanel) -> None:
    before = sys.excepthook, threading.excepthook
    panel.add(reading(0))
    assert panel.plots
    assert (sys.excepthook, threading.excepthook) == before
    assert "pyqtgraph" not in getattr(sys.excepthook, "__module__", "")


def test_without_pyqtgraph_it_says_what_to_install(panel: PlotsPanel, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rtseg.viewer.plot", None)
    panel.add(reading(0))
    panel.add(reading(1))
    assert panel._without.isVisible()
    assert "rtseg[viewer]" in panel._without.text()
