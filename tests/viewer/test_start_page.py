"""The page that asks for a source, and what can be dropped onto it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from rtseg.video.cameras import CameraInfo
from rtseg.viewer.choices import ChoiceList
from rtseg.viewer.drop import dropped, trouble
from rtseg.viewer.start_page import StartPage

COPY = Qt.DropAction.CopyAction
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot) -> StartPage:
    made = StartPage()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def chosen(page: StartPage) -> list[str]:
    told: list[str] = []
    page.source_chosen.connect(told.append)
    return told


def click(qtbot: QtBot, choices: ChoiceList, row: int) -> None:
    qtbot.mouseClick(choices.viewport(), LEFT, pos=choices.visualItemRect(choices.item(row)).center())


def test_cameras_and_recent_ones_are_chosen_by_click_and_by_keys(
    qtbot: QtBot, page: StartPage, chosen: list[str]
) -> None:
    page.set_cameras([CameraInfo("0", "Front"), CameraInfo("csi://1", "imx219")])
    page.set_recent(["/data/drive.mp4", "rtsp://me:word@192.0.2.7/live?token=12"])
    assert page.cameras.item(0).text() == "Front"
    click(qtbot, page.cameras, 1)
    page.recent.setFocus()
    page.recent.setCurrentRow(0)
    qtbot.keyClick(page.recent, Qt.Key.Key_Down)
    qtbot.keyClick(page.recent, Qt.Key.Key_Return)
    assert chosen == ["csi://1", "rtsp://me:word@192.0.2.7/live?token=12"]
    assert page.recent.item(1).text() == "rtsp://192.0.2.7/live?token=..."


def test_without_cameras_it_says_so_and_can_look_again(qtbot: QtBot, page: StartPage) -> None:
    page.set_cameras([])
    assert "No camera was found" in page.cameras.accessibleDescription()
    with qtbot.waitSignal(page.cameras_wanted):
        qtbot.mouseClick(page.look_again, LEFT)
    assert not page.look_again.isEnabled()
    page.set_cameras([CameraInfo("0", "Front")])
    assert page.look_again.isEnabled()
    assert page.cameras.count() == 1


def test_the_demo_is_one_click_away(qtbot: QtBot, page: StartPage, chosen: list[str]) -> None:
    qtbot.mouseClick(page.demo, LEFT)
    assert chosen == ["demo://"]


def test_an_address_is_checked_before_it_is_opened(
    qtbot: QtBot, page: StartPage, chosen: list[str], tmp_path: Path
) -> None:
    assert not page.open.isEnabled()
    height = page.zone.y()
    for wrong, message in (
        ("gopher://old/thing", "gopher is no protocol that is read here"),
        ("rtsp:///stream", "there is no host in it"),
        (str(tmp_path / "none.mp4"), "neither a link nor a file"),
    ):
        page.address.setText(wrong)
        assert page.trouble.text() == ""
        qtbot.keyClick(page.address, Qt.Key.Key_Return)
        assert message in page.trouble.text()
        assert page.zone.y() == height
    assert chosen == []
    page.address.setText(" rtsp://192.0.2.7/stream ")
    qtbot.mouseClick(page.open, LEFT)
    page.address.setText(str(tmp_path))
    qtbot.keyClick(page.address, Qt.Key.Key_Return)
    assert chosen == ["rtsp://192.0.2.7/stream", str(tmp_path)]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_dialog_stops_nothing_and_says_what_was_chosen(
    qtbot: QtBot, page: StartPage, chosen: list[str], tmp_path: Path, kind: str
) -> None:
    (tmp_path / "a.mp4").touch()
    page.folder = str(tmp_path)
    qtbot.mouseClick(page.file if kind == "file" else page.open_folder_button, LEFT)
    (dialog,) = page.findChildren(QFileDialog)
    qtbot.waitUntil(dialog.isVisible)
    if kind == "file":
        dialog.selectFile("a.mp4")
    dialog.accept()
    assert chosen == [str(tmp_path / "a.mp4" if kind == "file" else tmp_path)]
    qtbot.waitUntil(lambda: not page.findChildren(QFileDialog))


def of(*urls: str, text: str = "") -> QMimeData:
    data = QMimeData()
    if urls:
        data.setUrls([QUrl(url) for url in urls])
    if text:
        data.setText(text)
    return data


def test_what_a_drop_means(tmp_path: Path, qapp: QApplication) -> None:
    clip = tmp_path / "a drive, 50 %.mp4"
    clip.touch()
    assert dropped(of(QUrl.fromLocalFile(str(clip)).toString())) == str(clip)
    assert dropped(of(QUrl.fromLocalFile(str(tmp_path)).toString())) == str(tmp_path)
    assert dropped(of("rtsp://me:word@192.0.2.7/live?a=b%20c")) == "rtsp://me:word@192.0.2.7/live?a=b%20c"
    assert dropped(of(text=f"  {clip}\n")) == str(clip)
    assert dropped(of(text="https://example.org/street.mp4")) == "https://example.org/street.mp4"
    for nothing in (
        of(),
        of(text="dear diary"),
        of("mailto:me@example.org"),
        of("file:///none/there.mp4"),
        None,
    ):
        assert dropped(nothing) is None
    assert trouble("a\0b") is not None
    assert trouble("x" * 9999) is not None
    assert "word" not in str(trouble("gopher://me:word@host/"))


def test_a_drop_is_shown_and_taken(page: StartPage, chosen: list[str], tmp_path: Path) -> None:
    data = of(QUrl.fromLocalFile(str(tmp_path)).toString())
    buttons, keys = LEFT, Qt.KeyboardModifier.NoModifier
    over = QDragEnterEvent(page.rect().center(), COPY, data, buttons, keys)
    QApplication.sendEvent(page, over)
    assert over.isAccepted()
    assert page.zone.text() == "Drop it to open it"
    QApplication.sendEvent(page, QDropEvent(QPointF(5, 5), COPY, data, buttons, keys))
    assert chosen == [str(tmp_path)]
    assert page.zone.text() != "Drop it to open it"
    refused = of(text="dear diary")
    over = QDragEnterEvent(page.rect().center(), COPY, refused, buttons, keys)
    over.ignore()
    QApplication.sendEvent(page, over)
    assert not over.isAccepted()
