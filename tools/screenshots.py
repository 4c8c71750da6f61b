"""Takes the pictures of the window that README shows, of the demo, on a virtual screen.

xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/python tools/screenshots.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QSettings, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.request import DEMO, SourceRequest
from rtseg.runtime.session import Session
from rtseg.viewer import app, theme
from rtseg.viewer.settings import Settings
from rtseg.viewer.window import ViewerWindow

_PLAYS_MS = 12_000  # until the plots have something to show
_SETTLES_MS = 1500
_QUALITY = 85
_SEED = 3  # a street with people


def main(folder: Path) -> None:
    application = app.application()
    session = Session(NetworkChoice())
    with tempfile.TemporaryDirectory() as own:
        settings = Settings(QSettings(f"{own}/viewer.ini", QSettings.Format.IniFormat))
        theme.apply(application, Qt.ColorScheme.Light)

        def window() -> ViewerWindow:
            return next(top for top in QApplication.topLevelWidgets() if isinstance(top, ViewerWindow))

        def shoot(name: str) -> None:
            window().grab().save(str(folder / f"window-{name}.jpg"), quality=_QUALITY)

        def darken() -> None:
            shoot("overlay")
            theme.apply(application, Qt.ColorScheme.Dark)
            window().actions_.by_id["mode_split"].trigger()

        def finish() -> None:
            shoot("split")
            window().close()

        steps: dict[int, Callable[[], object]] = {
            500: lambda: window().resize(1420, 800),
            _PLAYS_MS: darken,
            _PLAYS_MS + _SETTLES_MS: finish,
        }
        for after_ms, step in steps.items():
            QTimer.singleShot(after_ms, step)
        app.show(session, SourceRequest((DEMO,), seed=_SEED), settings=settings)
    session.join(5)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
