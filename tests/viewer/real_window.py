"""Run by test_real_window.py in a process of its own: a window on a real X server, after cv2 was imported.

python real_window.py MODEL_FOLDER OUT_FOLDER: writes shot.png and frame.png.
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
    from PyQt6.QtCore import QTimer
    from PyQt6.QtGui import QGuiApplication
    from PyQt6.QtWidgets import QApplication

    from rtseg.preprocess import to_bgr
    from rtseg.runtime.channel import LatestSlot
    from rtseg.runtime.pipeline import Pipeline
    from rtseg.runtime.shown import Shown
    from rtseg.segmenter import load
    from rtseg.video.demo.source import DemoSource
    from rtseg.viewer import app
    from rtseg.viewer.window import ViewerWindow

    def grab_at_the_end() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, ViewerWindow) and window.ended and window.isActiveWindow():
                window.repaint()
                screen, frame = window.screen(), window.canvas.frame
                assert screen is not None and frame is not None
                assert screen.grabWindow(window.winId()).save(str(out / "shot.png"))
                cv2.imwrite(str(out / "frame.png"), to_bgr(frame))
                window.close()

    with load(model_folder) as segmenter:
        view: LatestSlot[Shown] = LatestSlot()
        pipeline = Pipeline(DemoSource((640, 360)), segmenter, view=view, max_frames=20)
        app._application()  # a timer needs one
        timer = QTimer()
        timer.timeout.connect(grab_at_the_end)
        timer.start(100)
        pipeline.start()
        viewer.show(pipeline, view, title="demo")
        timer.stop()
    print(QGuiApplication.platformName(), "QT_QPA_PLATFORM_PLUGIN_PATH" in os.environ)


if __name__ == "__main__":
    lead_qt_astray(Path(sys.argv[2]))
    main(sys.argv[1], Path(sys.argv[2]))
