"""The window over real sources and networks: what it shows, what its keys do, and how it ends."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import write_clip
from pixels import rgb_of
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PyQt6.QtGui import QDropEvent, QKeySequence, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from streaming import HttpServer, camera

from rtseg.labels import PALETTE
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.session import Session
from rtseg.runtime.view import MODES
from rtseg.video.live import Backoff
from rtseg.viewer import app, texts, theme
from rtseg.viewer.commands import COMMANDS
from rtseg.viewer.settings import Settings
from rtseg.viewer.window import ViewerWindow

pytestmark = pytest.mark.timeout(120)
OpenWindow = Callable[..., ViewerWindow]
DEMO = "demo://"
PATIENCE_MS = 30_000


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    """Waits until something is so, while Qt works."""
    return lambda what: qtbot.waitUntil(lambda: bool(what()), timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("clips") / "a drive.mp4"
    return str(write_clip(path, range(100), codec_options={"g": "10"}))


def shows_pictures(window: ViewerWindow) -> bool:
    return window.canvas.rendered is not None and window.bridge.state.playing is not None


def picture_of(window: ViewerWindow) -> np.ndarray:
    return rgb_of(window.grab().toImage())


def count_of(picture_rgb: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture_rgb == color).all(axis=-1).sum())


def rtseg_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("rtseg-")}


@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Light, Qt.ColorScheme.Dark])
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_shows_what_it_says(
    open_window: OpenWindow, until, qapp: QApplication, mode: str, scheme: Qt.ColorScheme
) -> None:
    before = qapp.palette()
    theme.apply(qapp, scheme)
    window = open_window(DEMO)
    window.resize(1300, 700)
    until(lambda: shows_pictures(window) and window._reading is not None and window._reading.shares)
    window.actions_.by_id[f"mode_{mode}"].trigger()
    until(lambda: window.canvas.rendered.view.mode == mode)
    until(lambda: window.canvas.rendered.view.size == window.canvas.view.size)
    seen = picture_of(window)
    for color in PALETTE[1:]:
        assert count_of(seen, color) > 40, f"no swatch of {color}"
    background = seen[-1, -1].astype(int)
    assert (background.mean() > 128) == (scheme == Qt.ColorScheme.Light)
    canvas = rgb_of(window.canvas.grab().toImage())
    area = canvas[canvas.shape[0] // 4 : -canvas.shape[0] // 4, canvas.shape[1] // 8 : -canvas.shape[1] // 8]
    road = count_of(area, PALETTE[1])
    # Only as a mask do classes have their own colour all over.
    assert (road > area.size / 3 / 20) == (mode == "mask")
    theme.apply(qapp, Qt.ColorScheme.Light)
    qapp.setPalette(before)


def test_the_line_of_the_split_view_can_be_dragged(open_window: OpenWindow, until) -> None:
    window = open_window(DEMO)
    window.actions_.by_id["mode_split"].trigger()
    until(lambda: shows_pictures(window) and window.canvas.rendered.view.mode == "split")
    canvas = window.canvas
    middle = QPoint(canvas.width() // 2, canvas.height() // 3)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(canvas, QPoint(canvas.width() // 4, canvas.height() // 3))
    QTest.mouseRelease(
        canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 4, canvas.height() // 3)
    )
    assert canvas.view.split == pytest.approx(0.25, abs=0.01)
    until(lambda: canvas.rendered.view.split == canvas.view.split)
    shown = canvas.rendered
    line = shown.view.split_x
    pane = shown.view.panes(shown.shown.frame.size)[0]
    rows = slice(pane.place.y, pane.place.bottom)
    plain = cv2.resize(shown.shown.frame.planes[0], (pane.place.width, pane.place.height))
    difference = np.abs(shown.canvas[rows, pane.place.x :, :3].astype(int)[:, : plain.shape[1]] - plain).mean(
        axis=(0, 2)
    )
    assert difference[: line - pane.place.x - 2].max() < 3
    assert difference[line - pane.place.x + 2 :].max() > 10


def test_the_wheel_zooms_and_dragging_pans(open_window: OpenWindow, until) -> None:
    window = open_window(DEMO)
    until(lambda: shows_pictures(window))
    canvas = window.canvas
    at = QPointF(canvas.width() * 0.6, canvas.height() * 0.5)
    pane = canvas.view.panes(canvas.picture_size)[0]
    held = pane.to_picture(at.x(), at.y())
    wheel = QWheelEvent(
        at, at, QPoint(), QPoint(0, 360), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, wheel)
    assert canvas.view.zoom == pytest.approx(1.25**3)
    pane = canvas.view.panes(canvas.picture_size)[0]
    assert pane.to_picture(at.x(), at.y()) == pytest.approx(held, abs=0.01)
    left = pane.left
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 100))
    QTest.mouseMove(canvas, QPoint(230, 100))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(230, 100))
    assert canvas.view.panes(canvas.picture_size)[0].left == pytest.approx(left + 30, abs=1)
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.view.zoom == 1


# Those that end the window, open dialogs of the system's own, or have a shortcut for each class.
APART = {"close", "quit", "toggle_class", "open_captures", "open_file", "open_folder"}


def test_every_key_of_the_help_sheet_does_what_it_says(
    open_window: OpenWindow, until, clip: str, tmp_path: Path
) -> None:
    """One window for all of them: that one key leaves nothing behind for the next is a part of it."""
    window = open_window(clip)
    until(lambda: shows_pictures(window))
    done: list[str] = []
    for name, action in window.actions_.by_id.items():
        action.triggered.connect(lambda _, name=name: done.append(name))
    pairs = [(command.id, keys) for command in COMMANDS for keys in command.sequences]
    for name, keys in pairs:
        if name in APART:
            continue
        if window.bridge.state.playing.request.is_demo:
            window.sources.open(clip)
            until(lambda: not window.bridge.state.playing.request.is_demo)
        window.activateWindow()
        window._show_canvas()
        done.clear()
        QTest.keySequence(window.canvas, keys)
        until(lambda name=name: done == [name])
        if name == "help":
            assert window.help.isVisible()
            QTest.keyClick(window.help, Qt.Key.Key_Escape)
            assert not window.help.isVisible()
        if name == "full_screen":
            until(lambda: window.isFullScreen() or done == [])
            window.actions_.by_id["escape"].trigger()
        if name == "pick_source":
            assert window.start_page.isVisible()
    panel = window.side_panel.classes
    window._show_canvas()
    QTest.keySequence(window.canvas, QKeySequence("Alt+2"))
    assert panel.hidden == ("vehicle",)
    until(lambda: list((tmp_path / "captures").glob("*-frame.png")))
    assert window.bridge.state.trouble is None


def test_arrow_keys_belong_to_what_has_the_focus(open_window: OpenWindow, until, clip: str) -> None:
    window = open_window(clip)
    until(lambda: shows_pictures(window))
    window.actions_.by_id["play"].trigger()
    opacity = window.side_panel.classes.opacity
    opacity.setFocus()
    before = opacity.value()
    QTest.keyClick(opacity, Qt.Key.Key_Right)
    assert opacity.value() > before
    assert window.bridge.state.playing.player.position_s < 3, "the recording was not sought in"


def test_a_paused_picture_takes_new_colours_a_new_network_and_steps(
    open_window: OpenWindow, until, clip: str
) -> None:
    window = open_window(clip)
    until(lambda: shows_pictures(window))
    player = window.bridge.state.playing.player
    window.actions_.by_id["play"].trigger()
    until(lambda: player.paused)
    QTest.qWait(300)
    window.side_panel.classes.opacity.setValue(90)
    until(lambda: window.canvas.rendered.shown.opacity == 0.9)
    index = window.canvas.rendered.shown.frame.index
    window.actions_.by_id["step_forward"].trigger()
    until(lambda: window.canvas.rendered.shown.frame.index == index + 1)
    before = window.bridge.state.playing.pipeline.segmenter
    choice = replace(window.bridge.state.network, backend="onnxruntime")
    window.side_panel.network.network_chosen.emit(choice)
    until(lambda: window.bridge.state.network == choice)
    assert window.bridge.state.playing.pipeline.segmenter is not before
    until(lambda: window.canvas.rendered.shown.frame.index > index + 1)
    assert window.bridge.state.trouble is None
    assert player.paused


def test_a_network_that_cannot_be_had_is_a_banner_and_the_old_one_goes_on(
    open_window: OpenWindow, until
) -> None:
    window = open_window(DEMO)
    until(lambda: shows_pictures(window))
    window.bridge.session.use(NetworkChoice("street-z"))
    until(lambda: window.banner.text)
    assert "street-z" in window.banner.text
    assert window.bridge.state.network.model != "street-z"
    frames = window.bridge.state.playing.pipeline.stats.frames_out
    until(lambda: window.bridge.state.playing.pipeline.stats.frames_out > frames + 3)
    window.banner.dismiss()
    until(lambda: window.bridge.state.trouble is None)


def test_where_nothing_plays_there_is_nothing_but_the_question(open_window: OpenWindow, until) -> None:
    window = open_window()
    actions = window.actions_.by_id
    assert not window.side_panel.isVisible()
    assert not window.start_page.back.isVisible()
    for name in ("snapshot", "reopen", "play", "zoom_in", "mode_mask", "next_palette"):
        assert not actions[name].isEnabled(), name
    for name in ("open_file", "open_demo", "choose_network", "help", "quit"):
        assert actions[name].isEnabled(), name
    actions["choose_network"].trigger()
    assert window.side_panel.isVisible(), "a network can be chosen before it is loaded"
    actions["side_panel"].trigger()
    assert not window.side_panel.isVisible()
    assert window.settings.panel_shown, "what is wanted beside a picture is something else"
    window.sources.open(DEMO)
    until(lambda: shows_pictures(window))
    assert window.side_panel.isVisible()
    assert actions["zoom_in"].isEnabled()
    assert not actions["play"].isEnabled(), "the demo is no recording"
    actions["pick_source"].trigger()
    assert window.start_page.isVisible()
    assert window.side_panel.isVisible()
    window.start_page.back.click()
    assert window.canvas.isVisible()
    actions["pick_source"].trigger()
    actions["escape"].trigger()
    assert window.canvas.isVisible()


def test_a_source_that_is_missing_can_be_tried_again(open_window: OpenWindow, until, tmp_path: Path) -> None:
    late = tmp_path / "late.mp4"
    window = open_window(str(late))
    until(lambda: window.banner.text)
    assert "no such file" in window.banner.text
    assert window.start_page.isVisible()
    write_clip(late, range(20))
    window.banner.button.click()
    until(lambda: shows_pictures(window))
    assert not window.banner.text
    assert window.settings.recent[0] == str(late)


def test_a_stream_that_is_lost_is_told_and_comes_back_on_demand(open_window: OpenWindow, until) -> None:
    with HttpServer(cam=camera(rate=25)) as server:
        port = server.port
        window = open_window(server.url("cam"))
        until(lambda: shows_pictures(window))
        size = window.canvas.size()
        window.messages.show_note("a note")
        assert window.canvas.size() == size, "a note moves nothing"
    source = window.bridge.state.playing.source
    source._backoff = Backoff(first_s=60, longest_s=60)
    until(lambda: window.banner.text)
    assert "gives no pictures" in window.banner.text
    with HttpServer(port, cam=camera(rate=25)):
        until(lambda: source.state.startswith("reconnecting"))
        window.banner.button.click()
        until(lambda: source.state == "playing" and not window.banner.text)
        until(lambda: "came back" in window.parts.note.text)
        window.close()
    assert window.bridge.state.playing.source is source, "it was not opened anew"


def test_captures_are_files_that_hold_what_was_seen(open_window: OpenWindow, until, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    window = open_window(DEMO)
    until(lambda: shows_pictures(window))
    window.actions_.by_id["record_clean"].trigger()
    until(lambda: window.bridge.state.recording is not None)
    QTest.qWait(700)
    window._read(window.bridge.meter.read())
    assert any(row.label == texts.RECORDING for panel in window.canvas.panels.values() for row in panel.rows)
    window.actions_.by_id["record_clean"].trigger()
    until(lambda: window.bridge.state.recording is None)
    until(lambda: window.parts.note.text)  # then it is finished
    patterns = "*[0-9].mp4", "*-mask.mkv"
    window.actions_.by_id["save_replay"].trigger()
    until(lambda: list(folder.glob("*-replay.mp4")))
    window.actions_.by_id["snapshot"].trigger()
    until(lambda: list(folder.glob("*-overlay.png")))
    until(lambda: "overlay" in window.parts.note.text or "frame" in window.parts.note.text)
    video, masks = (next(iter(folder.glob(pattern))) for pattern in patterns)
    counts = []
    for path in (video, masks):
        with av.open(str(path)) as container:
            counts.append(sum(1 for _ in container.decode(video=0)))
    assert counts[0] == counts[1] > 3
    assert {path.name for path in window.bridge.session.saved} == {
        path.name for path in folder.iterdir() if not path.name.startswith(".")
    }


def test_a_recording_of_a_paused_picture_is_said_to_be_none(
    open_window: OpenWindow, until, clip: str, tmp_path: Path
) -> None:
    window = open_window(clip)
    until(lambda: shows_pictures(window))
    window.actions_.by_id["play"].trigger()
    QTest.qWait(200)  # what is under way comes out
    for is_recording in (True, False):
        window.actions_.by_id["record_seen"].trigger()
        until(lambda wanted=is_recording: (window.bridge.state.recording is not None) == wanted)
    until(lambda: window.parts.note.text)
    assert window.parts.note.text == texts.SAVED_NOTHING
    assert not list(tmp_path.glob("captures/*"))


def test_what_is_dropped_onto_it_is_played_and_remembered(
    open_window: OpenWindow, until, clip: str, settings: Settings
) -> None:
    window = open_window()
    assert window.start_page.isVisible()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(clip)])
    event = QDropEvent(
        QPointF(10, 10), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    window.dropEvent(event)
    until(lambda: shows_pictures(window))
    assert Path(clip).name in window.windowTitle()
    assert window.playback_bar.isVisible()
    assert settings.recent == (clip,)
    until(lambda: window.bridge.thumbnail(1.0) is not None)


def test_sources_change_again_and_again_and_leave_no_thread(
    open_window: OpenWindow, until, clip: str
) -> None:
    window = open_window(DEMO)
    until(lambda: shows_pictures(window))
    QTest.qWait(300)
    for number in range(12):
        before = window.bridge.state.playing
        window.sources.open(clip if number % 2 == 0 else DEMO)
        until(
            lambda before=before: window.bridge.state.playing is not before and not window.bridge.state.busy
        )
    until(lambda: window.canvas.rendered.shown.frame.size != (96, 64))
    until(lambda: len(rtseg_threads()) <= 7)


@pytest.mark.parametrize("moment", ["opening", "playing", "paused", "recording", "asking"])
def test_closing_ends_all_threads_within_a_second(
    open_window: OpenWindow, until, clip: str, moment: str
) -> None:
    window = open_window(None if moment == "asking" else clip)
    if moment not in {"opening", "asking"}:
        until(lambda: shows_pictures(window))
    if moment == "paused":
        window.actions_.by_id["play"].trigger()
    if moment == "recording":
        window.actions_.by_id["record_seen"].trigger()
        until(lambda: window.bridge.state.recording is not None)
    if moment == "opening":
        until(lambda: window.bridge.state.busy is not None)
        until(
            lambda: window.bridge.state.busy is None
        )  # a network that is being loaded cannot be interrupted
    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < 1
    assert rtseg_threads() == set()


def test_two_hundred_windows_open_and_close(qapp: QApplication, settings: Settings) -> None:
    timers, widgets = [], []
    for _ in range(200):
        session = Session(NetworkChoice("street-s"))
        QTimer.singleShot(0, lambda: [top.close() for top in qapp.topLevelWidgets()])
        app.show(session, None, settings=settings)
        assert session.join(2)
        widgets.append(len(qapp.topLevelWidgets()))
    gc.collect()
    timers = [thing for thing in gc.get_objects() if isinstance(thing, QTimer)]
    assert len(timers) < 20
    assert max(widgets) <= widgets[0] + 1
    assert rtseg_threads() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_it_as_a_user_does(
    qapp: QApplication, settings: Settings, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    QTimer.singleShot(50, lambda: os.kill(os.getpid(), number))
    session = Session(NetworkChoice("street-s"))
    app.show(session, None, settings=settings)
    assert session.join(2)
    assert settings.geometry, "it was closed properly"
    assert signal.getsignal(number) == before


def test_a_mistake_of_ours_is_told_and_raised_at_the_end(
    qapp: QApplication, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def go_wrong() -> None:
        raise ZeroDivisionError("a mistake")

    seen: list[str] = []

    def look() -> None:
        (window,) = [top for top in qapp.topLevelWidgets() if isinstance(top, ViewerWindow)]
        seen.append(window.banner.text)
        window.close()

    QTimer.singleShot(50, go_wrong)
    QTimer.singleShot(400, look)
    session = Session(NetworkChoice("street-s"))
    with pytest.raises(ZeroDivisionError):
        app.show(session, None, settings=settings)
    assert session.join(5)
    assert "a mistake" in seen[0]
    assert "ZeroDivisionError" in capsys.readouterr().err
