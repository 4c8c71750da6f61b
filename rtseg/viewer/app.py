"""Opens the window and runs Qt's event loop until it is closed. All of it on the main thread."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType, TracebackType

from PyQt6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from PyQt6.QtWidgets import QApplication

from rtseg.runtime.request import SourceRequest
from rtseg.runtime.session import Session
from rtseg.runtime.style import Style
from rtseg.viewer import theme
from rtseg.viewer.availability import forget_opencv_qt
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.canvas import BACKGROUND
from rtseg.viewer.settings import Settings
from rtseg.viewer.window import ViewerWindow


def show(
    session: Session,
    request: SourceRequest | None,
    *,
    opacity: float | None = None,
    classes: tuple[str, ...] | None = None,
    settings: Settings | None = None,
) -> None:
    """Show what a session plays, until the user closes the window; then end the session.

    Called by the main thread. Without a request the window asks for a source. Opacity, and the classes to
    show, are the last ones that were chosen in a window where they are None. It closes with Q, with Ctrl-C
    in the terminal, and when it is killed. What has not ended a second after the window is left to the
    caller's own `Session.join`.

    Raises the first exception from within the window, a mistake of ours that it has gone on after.
    """
    application()
    settings = settings or Settings()
    session.set_style(Style(settings.opacity if opacity is None else opacity, classes, settings.colors))
    if request is not None:
        session.open(request)  # while the window is made
    bridge = Bridge(session, BACKGROUND)
    window = ViewerWindow(bridge, settings)
    if request is None:
        window.sources.pick()
    loop = QEventLoop()
    window.closed.connect(loop.quit)
    try:
        with _mistakes_are_told(bridge), _signals_close(window):
            window.show()
            window.activateWindow()
            loop.exec()
    finally:
        bridge.close()
        for thing in (window, bridge):
            thing.deleteLater()
            QCoreApplication.sendPostedEvents(thing, QEvent.Type.DeferredDelete.value)


@cache
def application() -> QApplication:
    """The one application of this process, kept until it ends."""
    forget_opencv_qt()
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    made = QApplication(["rtseg"])
    made.setApplicationName("rtseg")
    made.setDesktopFileName("rtseg")
    theme.follow_system(made)
    return made


@contextmanager
def _mistakes_are_told(bridge: Bridge) -> Iterator[None]:
    """Show an exception in a slot in the window, which goes on; without a hook Qt would abort.

    The first one is raised at the end.
    """
    errors: list[BaseException] = []

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not any(type(error) is type(known) and str(error) == str(known) for known in errors):
            errors.append(error)
            sys.__excepthook__(kind, error, trace)
            QTimer.singleShot(0, lambda: bridge.fail(error))

    previous, sys.excepthook = sys.excepthook, hook
    try:
        yield
    finally:
        sys.excepthook = previous
    if errors:
        raise errors[0]


@contextmanager
def _signals_close(window: ViewerWindow) -> Iterator[None]:
    """Let Ctrl-C, a kill and the end of the terminal close the window; once more ends it at once.

    The window's timers see to it that Python runs to notice.
    """
    before = {each: signal.getsignal(each) for each in _ending_signals()}

    def close(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        QTimer.singleShot(0, window.close)

    for each in before:
        signal.signal(each, close)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler or signal.SIG_DFL)


def _ending_signals() -> list[signal.Signals]:
    """Those that ask for an end; with nohup, the end of the terminal is none."""
    ending = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        ending.append(signal.SIGHUP)
    return ending
