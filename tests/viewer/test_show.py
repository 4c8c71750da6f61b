from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from pixels import rgb_of
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from rtseg import viewer
from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.preprocess import to_bgr
from rtseg.video.demo.source import DemoSource
from rtseg.video.source import PLAYING
from rtseg.viewer import texts
from rtseg.viewer.panels import Row
from rtseg.viewer.window import ViewerWindow

pytestmark = pytest.mark.timeout(120)


def rtseg_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rtseg-")]


def count_of(picture_rgb: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture_rgb == color).all(axis=-1).sum())


def labels(window: ViewerWindow) -> list[str]:
    return [row.label for panel in window.canvas._panels.values() for row in panel.rows]


class BrokenSource(DemoSource):
    """A camera whose cable is pulled."""

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            if frame.index > 3:
                raise SourceError("camera 0: stopped answering; is its cable plugged in?")
            yield frame


def test_shows_pictures_with_their_legend_until_closed(make_pipeline, act) -> None:
    pipeline, view = make_pipeline()
    seen = {}

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: pipeline.stats.frames_out > 3 and window._reading.shares
        seen["title"] = window.windowTitle()
        seen["with panels"] = rgb_of(window.canvas.grab().toImage())
        window.toggle_panels()
        frame = window.canvas.frame
        assert frame is not None
        seen["bare"] = rgb_of(window.canvas.grab().toImage())
        seen["frame"] = to_bgr(frame)[..., ::-1]
        seen["closed at"] = time.monotonic()
        window.close()

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="demo")
    assert time.monotonic() - seen["closed at"] < 1
    assert rtseg_threads() == []
    assert seen["title"] == "rtseg — demo"
    for color in pipeline.segmenter.card.palette[1:]:
        assert count_of(seen["with panels"], color) > 40, f"no swatch of {color}"
    height, width = seen["bare"].shape[:2]
    expected = cv2.resize(seen["frame"], (width, height), interpolation=cv2.INTER_LINEAR)
    assert np.abs(seen["bare"].astype(int) - expected).mean() < 2


def test_keys(make_pipeline, act) -> None:
    pipeline, view = make_pipeline()

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.canvas.frame is not None and window.isActiveWindow()
        assert texts.KEYS in labels(window)
        QTest.keyClick(window, Qt.Key.Key_H)
        assert labels(window) == []
        QTest.keyClick(window, Qt.Key.Key_H)
        assert texts.KEYS in labels(window)
        QTest.keyClick(window, Qt.Key.Key_F)
        yield window.isFullScreen
        QTest.keyClick(window, Qt.Key.Key_F)
        yield lambda: not window.isFullScreen()
        QTest.keyClick(window, Qt.Key.Key_Q)

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="demo")
    assert rtseg_threads() == []


@pytest.mark.parametrize("way", ["escape", "ctrl-c"])
def test_other_ways_to_close(make_pipeline, act, way: str) -> None:
    pipeline, view = make_pipeline()
    before = signal.getsignal(signal.SIGINT), sys.excepthook

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.canvas.frame is not None and window.isActiveWindow()
        if way == "escape":
            QTest.keyClick(window, Qt.Key.Key_Escape)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="demo")
    assert rtseg_threads() == []
    assert (signal.getsignal(signal.SIGINT), sys.excepthook) == before


def test_when_the_source_fails_the_window_says_so_and_show_raises_it(make_pipeline, act) -> None:
    pipeline, view = make_pipeline(BrokenSource((320, 180)))
    banners = []

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        assert not window.banner.isVisible()
        yield lambda: window.ended
        yield window.banner.isVisible
        banners.append(window.banner.text())
        assert texts.FINISHED not in labels(window)
        QTest.keyClick(window, Qt.Key.Key_Q)

    act(steps)
    pipeline.start()
    with pytest.raises(SourceError, match="stopped answering"):
        viewer.show(pipeline, view, title="camera 0")
    assert banners == ["Stopped: camera 0: stopped answering; is its cable plugged in?"]
    assert rtseg_threads() == []


class ComesAndGoes(DemoSource):
    """A camera that is away for a while."""

    def __init__(self) -> None:
        super().__init__((320, 180))
        self.back = threading.Event()

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            if frame.index == 5:
                self.state = "reconnecting in 4 s: unplugged"
                self.back.wait(30)
                self.state = PLAYING
            yield frame


def test_a_picture_that_is_no_longer_live_does_not_look_so(make_pipeline, act) -> None:
    source = ComesAndGoes()
    pipeline, view = make_pipeline(source)
    pictures = []

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.canvas.frame is not None
        pictures.append(rgb_of(window.canvas.grab().toImage()))
        yield lambda: window._reading.trouble
        pictures.append(rgb_of(window.canvas.grab().toImage()))
        assert window._reading.age_ms is None
        source.back.set()
        yield lambda: not window._reading.trouble
        pictures.append(rgb_of(window.canvas.grab().toImage()))
        window.close()

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="camera 0")
    live, away, again = pictures
    assert away.mean() < 0.5 * min(live.mean(), again.mean())
    middle = away[away.shape[0] // 2 - 20 : away.shape[0] // 2 + 20]
    assert middle.max() > 200  # the words


def test_at_the_end_the_last_picture_stays(make_pipeline, act) -> None:
    pipeline, view = make_pipeline(DemoSource((320, 180), paced=False), max_frames=5)
    shown = []

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.ended
        assert window.isVisible()
        assert Row(texts.FINISHED) in [row for panel in window.canvas._panels.values() for row in panel.rows]
        frame = window.canvas.frame
        assert frame is not None
        shown.append(frame.index)
        window.toggle_panels()
        assert labels(window) == [texts.FINISHED]
        os.kill(os.getpid(), signal.SIGINT)  # is still noticed when there is nothing to poll for

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="demo")
    assert shown == [4]


def test_closes_by_itself_if_asked_to(qapp, make_pipeline) -> None:
    pipeline, view = make_pipeline(DemoSource((320, 180), paced=False), max_frames=5)
    pipeline.start()
    viewer.show(pipeline, view, title="demo", close_at_end=True)
    assert pipeline.stats.frames_out == 5

    pipeline, view = make_pipeline(BrokenSource((320, 180)))
    pipeline.start()
    with pytest.raises(SourceError, match="stopped answering"):
        viewer.show(pipeline, view, title="demo", close_at_end=True)


def test_an_exception_in_a_slot_closes_the_window_and_is_raised(make_pipeline, act) -> None:
    pipeline, view = make_pipeline()

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.canvas.frame is not None
        window.canvas.painted.connect(lambda frame: 1 // 0)

    act(steps)
    pipeline.start()
    with pytest.raises(ZeroDivisionError):
        viewer.show(pipeline, view, title="demo")
    assert rtseg_threads() == []


def test_an_idle_window_is_not_repainted(make_pipeline, act) -> None:
    pipeline, view = make_pipeline(DemoSource((320, 180), paced=False), max_frames=1)
    paints = []

    def steps(window: ViewerWindow) -> Iterator[Callable[[], object]]:
        yield lambda: window.ended and window._meter._shown_ns
        paint = window.canvas._paint_panels
        window.canvas._paint_panels = lambda painter: (paints.append(1), paint(painter))  # type: ignore[method-assign]
        started = time.monotonic()
        yield lambda: time.monotonic() - started > 0.6
        window.close()

    act(steps)
    pipeline.start()
    viewer.show(pipeline, view, title="demo")
    assert len(paints) <= 1
