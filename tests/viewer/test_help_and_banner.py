"""What lies over the window: the list of keys, and words of trouble."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from rtseg.viewer import texts
from rtseg.viewer.banner import Banner
from rtseg.viewer.commands import COMMANDS, Command
from rtseg.viewer.help_sheet import HelpSheet
from rtseg.viewer.key_caps import KeyCaps


@pytest.fixture
def window(qtbot) -> Iterator[QWidget]:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1280, 720)
    made.show()
    made.activateWindow()
    return made


def test_every_command_has_words_a_tip_and_is_named_once() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS) == len(texts.COMMANDS)
    assert all(command.text and command.tip for command in COMMANDS)
    assert len({command.text for command in COMMANDS}) == len(COMMANDS)


def test_every_command_has_a_key_and_no_key_two_commands(qapp) -> None:
    keys = [sequence.toString() for command in COMMANDS for sequence in command.sequences]
    assert all(command.sequences for command in COMMANDS)
    assert all(keys)
    assert len(set(keys)) == len(keys), sorted(key for key in keys if keys.count(key) > 1)


def test_standard_keys_are_those_of_the_platform(qapp) -> None:
    command = Command("x", "g", "t", ("Open", "Ctrl+O", "F7"), "")
    assert command.sequences == (QKeySequence(QKeySequence.StandardKey.Open), QKeySequence("F7"))
    many = Command("x", "g", "t", tuple(f"Alt+{number}" for number in range(1, 6)), "")
    assert many.key_names == (texts.KEY_RANGE.format(first="Alt+1", last="Alt+5"),)


def test_the_sheet_lists_every_command_and_its_keys(window: QWidget) -> None:
    sheet = HelpSheet(window)
    sheet.toggle()
    said = {label.text() for label in sheet.findChildren(QLabel)}
    caps = {caps.accessibleName() for caps in sheet.findChildren(KeyCaps)}
    for command in COMMANDS:
        assert command.text.rstrip(" …") in said
        assert command.group in said
        assert ", ".join(command.key_names) in caps


@pytest.mark.parametrize("size", [QSize(1600, 1000), QSize(1280, 720), QSize(700, 500), QSize(460, 300)])
def test_the_sheet_covers_a_window_of_any_size_and_its_card_is_inside(window: QWidget, size: QSize) -> None:
    sheet = HelpSheet(window)
    sheet.toggle()
    window.resize(size)
    QApplication.processEvents()
    assert sheet.size() == size
    card = sheet._scroll.geometry()
    assert sheet.rect().contains(card)
    assert card.width() > 0.5 * min(size.width(), 700)
    assert sheet._scroll.widget().width() <= card.width(), "something is cut off at the side"


@pytest.mark.parametrize("way", ["escape", "question mark", "F1", "click", "toggle"])
def test_ways_to_close_the_sheet(window: QWidget, way: str) -> None:
    sheet = HelpSheet(window)
    closed: list[bool] = []
    pressed: list[bool] = []
    sheet.closed.connect(lambda: closed.append(True))
    for key in ("Esc", "?", "F1"):  # which the window has for itself while there is no sheet
        QShortcut(QKeySequence(key), window).activated.connect(lambda: pressed.append(True))
    sheet.toggle()
    QApplication.processEvents()
    assert sheet.hasFocus()
    if way == "click":
        QTest.mouseClick(sheet._scroll.viewport(), Qt.MouseButton.LeftButton)
    elif way == "toggle":
        sheet.toggle()
    else:
        key = {"escape": Qt.Key.Key_Escape, "question mark": "?", "F1": Qt.Key.Key_F1}[way]
        QTest.keyClick(sheet, key)
    assert not sheet.isVisible()
    assert (closed, pressed) == ([True], [])


def test_the_sheet_scrolls_by_keys_where_it_does_not_fit(window: QWidget) -> None:
    window.resize(500, 300)
    sheet = HelpSheet(window)
    sheet.toggle()
    QApplication.processEvents()
    bar = sheet._scroll.verticalScrollBar()
    QTest.keyClick(sheet, Qt.Key.Key_Down)
    assert bar.value() > 0
    QTest.keyClick(sheet, Qt.Key.Key_PageUp)
    assert bar.value() == 0


@pytest.fixture
def banner(window: QWidget) -> Banner:
    column = QVBoxLayout(window)
    made = Banner(window)
    column.addWidget(made)
    column.addWidget(QWidget(window), stretch=1)
    return made


def test_a_trouble_says_what_to_do_and_offers_to_try_again(banner: Banner) -> None:
    told: list[str] = []
    banner.retried.connect(lambda: told.append("retried"))
    banner.dismissed.connect(lambda: told.append("dismissed"))
    assert not banner.isVisible()
    banner.show_trouble("camera 0: stopped answering", "Plug it in again.", "Try again")
    assert banner.isVisible()
    assert (banner.words.text(), banner.mend.text()) == ("camera 0: stopped answering", "Plug it in again.")
    banner.words.setSelection(0, 6)
    assert banner.words.selectedText() == "camera"
    QTest.mouseClick(banner.button, Qt.MouseButton.LeftButton)
    assert banner.isVisible(), "until it has worked"
    banner.close_button.setFocus()
    QTest.keyClick(banner.close_button, Qt.Key.Key_Space)
    assert told == ["retried", "dismissed"]
    assert not banner.isVisible()
    assert banner.text == ""
    banner.show_trouble("something else")
    assert not banner.button.isVisible()
    assert not banner.mend.isVisible()


def test_words_are_shown_as_they_are_and_all_of_them(banner: Banner) -> None:
    long = "<b>rtsp://camera.example/</b> " + "was lost and does not answer any more " * 12
    banner.show_trouble(long, "Check it.")
    QApplication.processEvents()
    assert banner.words.text() == long
    metrics = banner.words.fontMetrics()
    needed = metrics.boundingRect(0, 0, banner.words.width(), 9999, Qt.TextFlag.TextWordWrap, long)
    assert banner.words.height() >= needed.height() > 2 * metrics.height()


def test_a_note_goes_by_itself_and_does_not_hide_a_trouble(banner: Banner, qtbot) -> None:
    banner.show_note("Saved a.png", for_ms=30)
    assert banner.isVisible()
    qtbot.waitUntil(lambda: not banner.isVisible(), timeout=2000)
    banner.show_note("Saved b.png", for_ms=30)
    banner.show_trouble("camera 0: stopped answering")
    banner.show_note("Saved c.png", for_ms=1)
    QTest.qWait(60)
    assert banner.text == "camera 0: stopped answering"
    banner.clear()
    banner.show_note("Saved d.png")
    assert banner.text == "Saved d.png"
