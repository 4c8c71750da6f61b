"""Every word that the window shows."""

from __future__ import annotations

from typing import Final

TITLE: Final = "rtseg — {source}"

WAITING: Final = "Waiting for the first picture …"
FINISHED: Final = "Finished"
FAILED: Final = "Stopped: {error}"
NO_MESSAGE: Final = "{kind}, without a message"

FPS: Final = "fps"
CAPTURED: Final = "Captured, segmented"
RATES: Final = "{capture:.0f}, {inference:.0f} fps"
INFERENCE: Final = "Inference"
AGE: Final = "Age"
AGE_P95: Final = "Age, 95 % under"
CPU: Final = "CPU, memory"
RESOURCES: Final = "{cpu:.0%}, {memory:.0f} MiB"
DROPPED: Final = "Dropped at {stage}"
BACKEND: Final = "Backend"
MODEL: Final = "Model"
SOURCE: Final = "Source"

MILLISECONDS: Final = "{value:.1f} ms"
PERCENT: Final = "{value:.1f} %"
NO_VALUE: Final = "–"

KEYS: Final = "H panels   F full screen   Q quit"

NO_DISPLAY: Final = (
    "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Log in on the machine's own screen or "
    "with ssh -X, or run with --no-display"
)
NO_X_SERVER: Final = (
    "no X server answers at DISPLAY={display!r}. Correct it, log in again with ssh -X, or run with "
    "--no-display"
)
NO_WAYLAND: Final = (
    "no Wayland compositor answers at WAYLAND_DISPLAY={display!r}. Correct it, or run with --no-display"
)
NO_PYQT: Final = "PyQt6 is not installed. Install it with `pip install 'rtseg[viewer]'`"
BROKEN_PYQT: Final = "PyQt6 cannot be loaded ({reason}). {cure}"
CURE_LINUX: Final = (
    "Install the system's libraries that it needs, on Debian and Ubuntu: `sudo apt install libgl1 libegl1 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 libdbus-1-3 "
    "libfontconfig1 libglib2.0-0`"
)
CURE_OTHERS: Final = "Install it anew with `pip install --force-reinstall PyQt6`"
