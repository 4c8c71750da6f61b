"""Each widget of the viewer alone, with made-up data: `python -m rtseg.viewer.gallery [NAME]`.

With --grab FOLDER pictures of them are written there instead, light and dark.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PyQt6.QtCore import QCoreApplication, QEvent, QPointF, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QApplication, QTabWidget, QVBoxLayout, QWidget

from rtseg import labels
from rtseg.runtime.choice import NetworkChoice
from rtseg.viewer import content, playback_bar, start_page, theme
from rtseg.viewer.availability import forget_opencv_qt
from rtseg.viewer.banner import Banner
from rtseg.viewer.classes_panel import ClassesPanel
from rtseg.viewer.help_sheet import HelpSheet
from rtseg.viewer.meter import Reading
from rtseg.viewer.network_panel import NetworkPanel
from rtseg.viewer.panels import Panel
from rtseg.viewer.plots_panel import PlotsPanel
from rtseg.viewer.side_panel import SidePanel

_READ_MS: Final = 250
RUNNING: Final = content.Running(
    source="dashcam.mp4",
    state="playing",
    model="street-m",
    backend="openvino",
    precision="bf16",
    classes=labels.CLASSES,
    palette=(None, *labels.PALETTE[1:]),
)


def reading(at_s: float) -> Reading:
    """How a made-up pipeline does at this time."""
    wave = math.sin(at_s / 3) + 0.4 * math.sin(at_s * 1.7)
    vehicles = 0.16 + 0.05 * wave
    return Reading(
        fps=28.0 + 0.6 * wave,
        capture_fps=31.0 + 0.1 * wave,
        inference_fps=29.8 + 0.3 * wave,
        inference_ms=14.2 + 2 * wave,
        age_ms=19.0 + 3 * wave,
        age_p95_ms=27.0 + 5 * wave,
        cpu=1.2,
        memory_mib=412,
        dropped={"capture": 0, "inference": 12, "overlay": 0, "display": 3},
        stages_ms={
            "capture": 33.0,
            "preprocess": 1.1,
            "inference": 14.2 + 2 * wave,
            "overlay": 2.3 + 0.3 * wave,
            "output": 0.4,
        },
        shares={"background": 0.8 - vehicles - 0.03, "road": 0.2, "vehicle": vehicles, "pedestrian": 0.03},
    )


class _Painted(QWidget):
    """Panels over something that could be a street."""

    def __init__(self, *panels: Panel | None) -> None:
        super().__init__()
        self._panels = [panel for panel in panels if panel is not None]
        self.setMinimumSize(1000, 480)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(120, 140, 160))
        painter.fillRect(0, self.height() // 2, self.width(), self.height(), QColor(90, 92, 90))
        left = 15.0
        for panel in self._panels:
            image = panel.paint(15, self.devicePixelRatioF())
            painter.drawImage(QPointF(left, 15), image)
            left += image.deviceIndependentSize().width() + 15


def _hud() -> QWidget:
    now = reading(1.0)
    return _Painted(
        *(content.head_up_display(RUNNING, now, level) for level in reversed(content.HUD_LEVELS)),
        content.legend(RUNNING, now),
    )


def _classes() -> QWidget:
    panel = ClassesPanel()
    panel.set_classes(labels.CLASSES, labels.PALETTE)
    panel.toggle_class(2)
    panel.set_shares(reading(1.0).shares)
    return panel


def _network() -> QWidget:
    panel = NetworkPanel()
    _fill_network(panel)
    panel.set_busy("Loading street-s …")
    return panel


def _fill_network(panel: NetworkPanel) -> None:
    panel.set_choices(
        models=("street-m", "street-s"),
        backends=("auto", "openvino", "onnxruntime", "tensorrt"),
        precisions=("auto", "f32", "f16", "bf16", "int8"),
        policies=("auto", "latest", "every-frame"),
        unavailable={"tensorrt": "tensorrt is not installed: pip install 'rtseg[tensorrt]'"},
    )
    panel.set_current(NetworkChoice("street-m", "openvino", "bf16"), "auto")


def _plots() -> QWidget:
    panel = PlotsPanel()
    _feed(panel)
    return panel


def _feed(panel: PlotsPanel, each: Callable[[Reading], None] = lambda now: None) -> None:
    """A minute at once, then four readings a second."""

    def add(at_s: float) -> None:
        panel.add(reading(at_s), at_s)
        each(reading(at_s))

    now_s = time.monotonic()
    for number in range(240):
        add(now_s - 60 + number / 4)
    timer = QTimer(panel)
    timer.timeout.connect(lambda: add(time.monotonic()))
    timer.start(_READ_MS)


def _side_panel() -> QWidget:
    panel = SidePanel()
    panel.classes.set_classes(labels.CLASSES, labels.PALETTE)
    _fill_network(panel.network)
    panel.setMinimumHeight(820)
    _feed(panel.plots, lambda now: panel.classes.set_shares(now.shares))
    return panel


def _banners() -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    trouble, note, long = Banner(page), Banner(page), Banner(page)
    for banner in (trouble, note, long):
        column.addWidget(banner)
    trouble.show_trouble(
        "camera 0: stopped answering", "Plug it in again; it goes on by itself when it is back.", "Try again"
    )
    note.show_note("Saved 2026-05-04 12.30.05.123-overlay.png", button="Show folder")
    long.show_trouble("rtsp://camera.example/live: " + "the stream was lost and is not there any more, " * 4)
    column.addStretch(1)
    page.setMinimumSize(640, 260)
    return page


def _help() -> QWidget:
    page = QWidget()
    page.setMinimumSize(1180, 700)
    sheet = HelpSheet(page)
    sheet.toggle()
    return page


GALLERY: Final[Mapping[str, Callable[[], QWidget]]] = MappingProxyType(
    {
        "head-up display": _hud,
        "classes": _classes,
        "network": _network,
        "plots": _plots,
        "side panel": _side_panel,
        "banner": _banners,
        "playback bar": playback_bar.gallery,
        "start page": start_page.gallery,
        "help": _help,
    }
)
"""Name -> makes the widget with its data."""


def main() -> None:
    """Show one of them, or all in tabs; or write their pictures."""
    parser = argparse.ArgumentParser(prog="python -m rtseg.viewer.gallery", description=__doc__)
    parser.add_argument("name", nargs="?", choices=GALLERY, help="only this one")
    parser.add_argument("--theme", choices=("light", "dark"), help="instead of the system's own")
    parser.add_argument("--grab", type=Path, metavar="FOLDER", help="write PNG files of both themes here")
    arguments = parser.parse_args()
    forget_opencv_qt()
    application = QApplication(["rtseg-gallery"])
    theme.follow_system(application)
    chosen = {name: make for name, make in GALLERY.items() if arguments.name in {None, name}}
    if arguments.grab:
        _grab(application, chosen, arguments.grab)
        return
    if arguments.theme:
        theme.apply(application, _SCHEMES[arguments.theme])
    tabs = QTabWidget()
    for name, make in chosen.items():
        page = QWidget()
        QVBoxLayout(page).addWidget(make())
        tabs.addTab(page, name)
    tabs.show()
    application.exec()


_SCHEMES: Final = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


def _grab(application: QApplication, chosen: Mapping[str, Callable[[], QWidget]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for scheme_name, scheme in _SCHEMES.items():
        theme.apply(application, scheme)
        for name, make in chosen.items():
            widget = make()
            widget.ensurePolished()
            widget.resize(widget.sizeHint().expandedTo(QSize(300, 40)).expandedTo(widget.minimumSize()))
            widget.show()
            for _ in range(3):  # layouts settle, what is made late is made
                application.processEvents()
            widget.grab().save(str(folder / f"{name.replace(' ', '-')}-{scheme_name}.png"))
            widget.close()
            # Now, and not when Python's collector comes upon it, which may be in a slot of its own timer.
            widget.deleteLater()
            QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete.value)


if __name__ == "__main__":
    main()
