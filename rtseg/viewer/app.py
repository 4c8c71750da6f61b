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

from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.shown import Shown
from rtseg.viewer.availability import forget_opencv_qt
from rtseg.viewer.window import ViewerWindow

_JOIN_S = 1.0


def show(pipeline: Pipeline, view: LatestSlot[Shown], *, title: str, close_at_end: bool = False) -> None:
    """Show what a started pipeline puts into `view`, until the user closes the window; then end the pipeline.

    Called by the main thread. The window closes with Q, Escape or Ctrl-C in the terminal. When the pipeline
    ends first, the last picture stays, with what went wrong if something did, unless close_at_end is set.
    A stage that has not ended a second after the window is left to the caller's own join.

    Raises the error that ended the pipeline, and any exception from within the window.
    """
    _application()
    window = ViewerWindow(pipeline, view, title=title, close_at_end=close_at_end)
    loop = QEventLoop()
    window.closed.connect(loop.quit)
    try:
        with _slots_may_raise(window), _ctrl_c_closes(window):
            window.show()
            window.activateWindow()
            loop.exec()
    finally:
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
        pipeline.stop()
        pipeline.join(timeout=_JOIN_S)


@cache
def _application() -> QApplication:
    """The one application of this process, kept until it ends."""
    forget_opencv_qt()
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    application = QApplication(["rtseg"])
    application.setDesktopFileName("rtseg")
    return application


@contextmanager
def _slots_may_raise(window: ViewerWindow) -> Iterator[None]:
    """Close the window at the first exception in a slot and raise it here; without a hook Qt would abort."""
    errors: list[BaseException] = []

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        errors.append(error)
        # Later, from the event loop: an exception while the window opens must find it running.
        QTimer.singleShot(0, window.close)

    previous, sys.excepthook = sys.excepthook, hook
    try:
        yield
    finally:
        sys.excepthook = previous
    if errors:
        raise errors[0]


@contextmanager
def _ctrl_c_closes(window: ViewerWindow) -> Iterator[None]:
    """Let SIGINT close the window. The window's timers see to it that Python runs to notice."""

    def close(number: int, frame: FrameType | None) -> None:
        QTimer.singleShot(0, window.close)

    previous = signal.signal(signal.SIGINT, close)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.SIG_DFL)
