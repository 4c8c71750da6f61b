"""Whether a window can be opened, asked before Qt is: Qt itself aborts the process where it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import socket
import sys
from pathlib import Path

from rtseg.viewer import texts

_CV2_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def unavailable() -> str | None:
    """None when a window can be opened, else one sentence: why not, and what to do. From any thread."""
    if importlib.util.find_spec("PyQt6") is None:
        return texts.NO_PYQT
    platforms = _platforms() if sys.platform == "linux" else []
    no_screen = _no_screen(platforms)
    if no_screen is not None:
        return no_screen
    try:
        _load_qt(with_xcb=platforms == ["xcb"])
    except (ImportError, OSError) as error:
        cure = texts.CURE_LINUX if sys.platform == "linux" else texts.CURE_OTHERS
        return texts.BROKEN_PYQT.format(reason=error, cure=cure)
    return None


def forget_opencv_qt() -> None:
    """Undo what opencv-python does on import: it points Qt at the plug-ins and fonts of its own Qt 5.

    Called by the main thread before QApplication is made. What users set themselves is left alone.
    """
    for variable in _CV2_VARIABLES:
        if "cv2" in Path(os.environ.get(variable, "")).parts:
            del os.environ[variable]


def _platforms() -> list[str]:
    """Qt's platforms on Linux, in the order in which it tries them here: those of the user, or by display."""
    asked = os.environ.get("QT_QPA_PLATFORM", "")
    if asked:
        return [entry.partition(":")[0] for entry in asked.split(";")]
    by_display = {"wayland": "WAYLAND_DISPLAY", "xcb": "DISPLAY"}
    return [name for name, variable in by_display.items() if os.environ.get(variable)] or ["xcb"]


def _no_screen(platforms: list[str]) -> str | None:
    """Why none of the platforms has a screen; those beside X11 and Wayland bring their own."""
    troubles = []
    for platform in platforms:
        trouble = None
        if platform == "xcb":
            trouble = _x11_trouble(os.environ.get("DISPLAY", ""))
        elif platform.startswith("wayland"):
            trouble = _wayland_trouble(os.environ.get("WAYLAND_DISPLAY", ""))
        if trouble is None:
            return None
        troubles.append(trouble)
    return troubles[0] if troubles else None


def _x11_trouble(display: str) -> str | None:
    if not display:
        return texts.NO_DISPLAY
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None  # loading Qt's plug-in will say which libraries are missing
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    for function in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)  # as Qt does it, with the user's authority file
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return texts.NO_X_SERVER.format(display=display) if failed else None


def _wayland_trouble(display: str) -> str | None:
    if not display:
        return texts.NO_DISPLAY
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "")) / display  # an absolute `display` stands for itself
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.settimeout(2)
        try:
            compositor.connect(str(path))
        except OSError:
            return texts.NO_WAYLAND.format(display=display)
    return None


def _load_qt(*, with_xcb: bool) -> None:
    """Load what a window needs. Raises ImportError or OSError naming the library that is missing."""
    from PyQt6 import QtCore, QtGui, QtWidgets  # noqa: F401

    if with_xcb:
        # Loaded as Qt would: an own list of its libraries would be out of date with the next Qt.
        folder = QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.PluginsPath)
        plugin = Path(folder) / "platforms" / "libqxcb.so"
        if plugin.exists():
            ctypes.CDLL(str(plugin))
