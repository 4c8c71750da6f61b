"""Run by test_real_window.py in a process of its own: a window on a real X server, after cv2 was imported.

python real_window.py MODEL_FOLDER OUT_FOLDER: writes shot.png, canvas-shot.png (what the
screen has) and canvas.png (what it was given).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2


def lead_qt_astray(out: Path) -> None:
    """What opencv-python (not headless) does on import: here with a plug-in that Qt 6 cannot load."""
    platforms = out / "cv2/qt/plugins/platforms"
    platforms.mkdir(parents=True)
    (platforms / "libqxcb.so").write_bytes(b"a plug-in of Qt 5")
    os.environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = str(platforms.parent)
    os.environ["QT_QPA_FONTDIR"] = str(out / "cv2/qt/fonts")


def main(model_folder: str, out: Path) -> None:
    from rtseg import viewer

    reason = viewer.unavailable()
    if reason is not None:
        sys.exit(reason)
    from PyQt6.QtCore import QPoint, QRect, QSettings, QTimer
    from PyQt6.QtGui import QGuiApplication
    from PyQt6.QtWidgets import QApplication

    from rtseg.runtime.choice import NetworkChoice
    from rtseg.runtime.extras import Extras
    from rtseg.runtime.request import DEMO, SourceRequest
    from rtseg.runtime.session import Session
    from rtseg.viewer import app
    from rtseg.viewer.settings import Settings
    from rtseg.viewer.window import ViewerWindow

    def grab_when_it_plays() -> None:
        for window in QApplication.topLevelWidgets():
            if not isinstance(window, ViewerWindow) or not window.isActiveWindow():
                continue
            playing, screen = window.bridge.state.playing, window.screen()
            if (
                playing is None
                or playing.pipeline.running
                or window.canvas.rendered is None
                or screen is None
            ):
                continue
            rendered = window.canvas.rendered
            if rendered.view != window.canvas.view:
                continue
            window.repaint()
            shot = screen.grabWindow(window.winId())
            place = QRect(window.canvas.mapTo(window, QPoint()), window.canvas.size())
            assert shot.save(str(out / "shot.png"))
            assert shot.copy(place).save(str(out / "canvas-shot.png"))
            cv2.imwrite(str(out / "canvas.png"), rendered.canvas[..., :3])
            window.close()

    settings = Settings(QSettings(str(out / "viewer.ini"), QSettings.Format.IniFormat))
    session = Session(NetworkChoice(model_folder), extras=Extras(max_frames=20))
    app.application()  # a timer needs one
    timer = QTimer()
    timer.timeout.connect(grab_when_it_plays)
    timer.start(100)
    app.show(session, SourceRequest((DEMO,), demo_size=(640, 360)), settings=settings)
    timer.stop()
    assert session.join(5)
    print(QGuiApplication.platformName(), "QT_QPA_PLATFORM_PLUGIN_PATH" in os.environ)


if __name__ == "__main__":
    lead_qt_astray(Path(sys.argv[2]))
    main(sys.argv[1], Path(sys.argv[2]))
