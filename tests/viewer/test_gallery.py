"""Each widget of the gallery, light and dark: comes up, is legible, and leaves nothing behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from pixels import rgb_of
from PyQt6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from rtseg.viewer import theme
from rtseg.viewer.gallery import GALLERY, main

SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


@pytest.fixture(params=SCHEMES)
def scheme(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[str]:
    before = qapp.palette()
    theme.apply(qapp, SCHEMES[request.param])
    yield request.param
    qapp.setPalette(before)


@pytest.mark.parametrize("name", GALLERY)
def test_each_widget_comes_up_in_light_and_dark(qtbot, scheme: str, name: str) -> None:
    widget = GALLERY[name]()
    qtbot.addWidget(widget)
    widget.show()
    QApplication.processEvents()
    picture = rgb_of(widget.grab().toImage())
    assert picture.std() > 5, "there is nothing in it"
    if name not in {"head-up display", "help"}:  # which lie on other things
        assert (np.median(picture) < 100) == (scheme == "dark")


def luminance(color: QColor) -> float:
    """Relative, of WCAG 2."""
    parts = np.array([color.redF(), color.greenF(), color.blueF()])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: QColor, other: QColor) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_all_words_can_be_read(qapp: QApplication, scheme: str) -> None:
    palette = qapp.palette()
    colors = theme.colors(palette)
    assert theme.is_dark(palette) == (scheme == "dark")
    role = QPalette.ColorRole
    for text, back in (
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.ButtonText, role.Button),
        (role.ToolTipText, role.ToolTipBase),
        (role.HighlightedText, role.Highlight),
        (role.PlaceholderText, role.Window),
        (role.PlaceholderText, role.Base),
    ):
        assert contrast(palette.color(text), palette.color(back)) >= 4.0, (text, back)
    assert contrast(colors.trouble_text, colors.trouble_back) >= 7
    assert contrast(colors.note_text, colors.note_back) >= 7
    assert contrast(colors.faint, palette.color(role.Window)) >= 4.5
    assert all(contrast(line, palette.color(role.Window)) >= 3 for line in colors.lines)


def test_the_system_may_change_its_mind(qapp: QApplication) -> None:
    before = qapp.palette()
    theme.follow_system(qapp)
    hints = qapp.styleHints()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.is_dark(qapp.palette())
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert not theme.is_dark(qapp.palette())
    hints.colorSchemeChanged.disconnect()
    qapp.setPalette(before)


def test_nothing_is_left_of_a_widget_that_was_closed(qapp: QApplication) -> None:
    def present() -> tuple[int, int]:
        gc.collect()
        found = gc.get_objects()
        timers = sum(isinstance(each, QTimer) for each in found)
        return sum(isinstance(each, QObject) for each in found), timers

    def open_and_close() -> None:
        for make in GALLERY.values():
            widget = make()
            widget.show()
            qapp.processEvents()
            widget.close()
            widget.deleteLater()
            del widget
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    open_and_close()
    before = present()
    for _ in range(3):
        open_and_close()
    assert present() == before


def test_pictures_of_it_can_be_written(tmp_path, monkeypatch, capfd) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", main.__module__, "classes", "--grab", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, env={"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin"})
    assert {path.name for path in tmp_path.iterdir()} == {"classes-light.png", "classes-dark.png"}
