"""The bar below a recording: what it says, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from rtseg.video.position import Position
from rtseg.viewer.playback_bar import PlaybackBar
from rtseg.viewer.seek_bar import clock

SOMEWHERE = Position(position_s=30.0, duration_s=100.0, seekable=True)


@pytest.fixture
def bar(qtbot: QtBot) -> Iterator[PlaybackBar]:
    made = PlaybackBar()
    qtbot.addWidget(made)
    made.resize(700, 40)
    made.set_position(SOMEWHERE)
    made.show()
    qtbot.waitExposed(made)
    yield made


@pytest.fixture
def heard(bar: PlaybackBar) -> list[object]:
    """Everything that the bar asks for, in order."""
    told: list[object] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *what: told.append((name, *what))

    for name in ("pause_toggled", "stepped", "sought", "speed_chosen", "loop_toggled"):
        getattr(bar, name).connect(note(name))
    return told


def place(bar: PlaybackBar, share: float) -> QPoint:
    return QPoint(8 + round(share * (bar.seek_bar.width() - 16)), bar.seek_bar.height() // 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (7.56, "0:07.5"), (59.999, "0:59.9"), (60, "1:00.0"), (3727.5, "1:02:07.5")],
)
def test_times_are_read_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_what_is_set_is_shown_and_asks_for_nothing(bar: PlaybackBar, heard: list[object]) -> None:
    assert (bar.elapsed.text(), bar.length.text(), bar.seek_bar.value()) == ("0:30.0", "1:40.0", 30_000)
    assert bar.play.accessibleName() == "Pause"
    widths = {bar.elapsed.width(), bar.length.width()}
    bar.set_position(Position(99.9, 100.0, paused=True, speed=2.0, loop=True, seekable=True))
    assert bar.elapsed.text() == "1:39.9"
    assert (bar.play.accessibleName(), bar.speed.currentText(), bar.loop.isChecked()) == ("Play", "2×", True)
    bar.set_position(Position(100.0, 100.0, paused=True, seekable=True, ended=True))
    assert bar.play.accessibleName() == "Play again from the beginning"
    assert {bar.elapsed.width(), bar.length.width()} == widths
    bar.set_position(Position(1.0, 100.0, speed=0.75, seekable=True))
    assert bar.speed.currentText() == "0.75×"
    assert heard == []


def test_each_button_asks_for_its_own(qtbot: QtBot, bar: PlaybackBar, heard: list[object]) -> None:
    for button in (bar.play, bar.back, bar.forward, bar.loop):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert heard == [("pause_toggled",), ("stepped", -1), ("stepped", 1), ("loop_toggled", True)]
    bar.speed.setFocus()
    qtbot.keyClick(bar.speed, Qt.Key.Key_Down)
    assert heard[-1] == ("speed_chosen", 1.5)


def test_a_click_anywhere_goes_there(qtbot: QtBot, bar: PlaybackBar, heard: list[object]) -> None:
    qtbot.mouseClick(bar.seek_bar, Qt.MouseButton.LeftButton, pos=place(bar, 0.5))
    assert heard == [("sought", pytest.approx(50, abs=0.5))]
    assert bar.elapsed.text().startswith(("0:49.", "0:50."))


def test_dragging_asks_ten_times_a_second_and_at_last_for_the_end(
    qtbot: QtBot, bar: PlaybackBar, heard: list[object]
) -> None:
    qtbot.mousePress(bar.seek_bar, Qt.MouseButton.LeftButton, pos=place(bar, 0.2))
    for step in range(20):
        qtbot.mouseMove(bar.seek_bar, place(bar, 0.2 + step / 40))
        qtbot.wait(10)
        bar.set_position(SOMEWHERE)  # the player is not there yet: the bar stays under the mouse
        assert bar.seek_bar.value() > 15_000 + 2_400 * step
    qtbot.mouseMove(bar.seek_bar, place(bar, 0.9))
    qtbot.mouseRelease(bar.seek_bar, Qt.MouseButton.LeftButton, pos=place(bar, 0.9))
    sought = [seconds for _, seconds in heard]
    assert 3 <= len(sought) <= 8
    assert (sought[0], sought[-1]) == (pytest.approx(20, abs=0.5), pytest.approx(90, abs=0.5))
    assert sought == sorted(sought)
    bar.set_position(Position(91.0, 100.0, seekable=True))
    assert bar.seek_bar.value() == 91_000
    qtbot.wait(150)
    assert len(heard) == len(sought)


def test_keys_seek_too(qtbot: QtBot, bar: PlaybackBar, heard: list[object]) -> None:
    bar.seek_bar.setFocus()
    for key, there in ((Qt.Key.Key_Right, 35.0), (Qt.Key.Key_PageUp, 60.0), (Qt.Key.Key_Home, 0.0)):
        bar.set_position(SOMEWHERE)
        qtbot.keyClick(bar.seek_bar, key)
        qtbot.waitUntil(lambda there=there: heard[-1:] == [("sought", there)])


def test_without_a_length_there_is_no_place_to_go_to(
    qtbot: QtBot, bar: PlaybackBar, heard: list[object]
) -> None:
    bar.set_position(Position(12.0))
    assert (bar.seek_bar.isEnabled(), bar.length.text()) == (False, "–:––")
    assert bar.elapsed.text() == "0:12.0"
    qtbot.mouseClick(bar.seek_bar, Qt.MouseButton.LeftButton, pos=place(bar, 0.5))
    assert heard == []


def test_a_picture_of_what_is_under_the_mouse(qtbot: QtBot, bar: PlaybackBar) -> None:
    asked: list[float] = []

    def thumbnail(seconds: float) -> np.ndarray | None:
        asked.append(seconds)
        return None if seconds > 60 else np.full((90, 161, 3), (200, 0, 0), np.uint8)

    bar.set_thumbnails(thumbnail)
    qtbot.mouseMove(bar.seek_bar, place(bar, 0.5))
    pop_up = bar.seek_bar.pop_up
    qtbot.waitUntil(pop_up.isVisible)
    assert asked[-1] == pytest.approx(50, abs=0.5)
    color = pop_up.grab().toImage().pixelColor(pop_up.width() // 2, 40)
    assert (color.red(), color.green(), color.blue()) == (200, 0, 0)
    height = pop_up.height()
    qtbot.mouseMove(bar.seek_bar, place(bar, 0.9))
    qtbot.waitUntil(lambda: pop_up.height() < height)  # only the time
    qtbot.mouseMove(bar.play, QPoint(5, 5))
    qtbot.waitUntil(lambda: not pop_up.isVisible())


def test_symbols_follow_light_and_dark(qtbot: QtBot, bar: PlaybackBar) -> None:
    def brightest() -> int:
        image = bar.play.icon().pixmap(20, 20).toImage()
        colors = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        return max(color.value() for color in colors if color.alpha() > 200)

    for background, text in ((QColor("white"), QColor("black")), (QColor("black"), QColor("white"))):
        palette = QPalette(background)
        palette.setColor(QPalette.ColorRole.ButtonText, text)
        bar.setPalette(palette)
        assert brightest() == text.value()


def test_everything_can_be_reached_and_has_a_name(bar: PlaybackBar) -> None:
    for widget in (*bar.findChildren(QToolButton), bar.speed, bar.seek_bar):
        assert widget.accessibleName()
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
