from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtseg.viewer.availability import forget_opencv_qt

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="X11, Wayland and shared libraries of Linux")

ASK = """
import json, sys
{before}
import rtseg.viewer
loaded = sys.modules.get("PyQt6") is not None
print(json.dumps([loaded, rtseg.viewer.unavailable()]))
"""


def ask(before: str = "", **environment: str) -> str | None:
    """What `unavailable` says in a process of its own, with nothing of this one's desktop."""
    desktop = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM")
    inherited = {name: value for name, value in os.environ.items() if name not in desktop}
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(before=before)],
        env=inherited | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    loaded, answer = json.loads(done.stdout)
    assert not loaded, "importing rtseg.viewer has loaded PyQt6"
    return answer


def test_a_virtual_screen_will_do(xvfb: str) -> None:
    assert ask(DISPLAY=xvfb) is None


@pytest.mark.parametrize("platform", ["offscreen", "minimal", "vnc:size=800x600"])
def test_platforms_with_a_screen_of_their_own_need_no_display(platform: str) -> None:
    assert ask(QT_QPA_PLATFORM=platform) is None


@linux_only
def test_without_a_display_it_says_what_to_do() -> None:
    for environment in ({}, {"QT_QPA_PLATFORM": "xcb"}, {"DISPLAY": ""}):
        answer = ask(**environment)
        assert answer is not None
        assert "no display" in answer and "--no-display" in answer


@linux_only
def test_a_display_that_nobody_serves() -> None:
    answer = ask(DISPLAY=":9876")
    assert answer is not None
    assert "no X server answers at DISPLAY=':9876'" in answer


@linux_only
def test_a_wayland_display_that_nobody_serves(tmp_path: Path) -> None:
    answer = ask(WAYLAND_DISPLAY="wayland-7", XDG_RUNTIME_DIR=str(tmp_path))
    assert answer is not None
    assert "no Wayland compositor answers at WAYLAND_DISPLAY='wayland-7'" in answer


@linux_only
def test_qt_falls_back_from_wayland_to_x11_and_so_does_the_question(xvfb: str, tmp_path: Path) -> None:
    assert ask(WAYLAND_DISPLAY="wayland-7", XDG_RUNTIME_DIR=str(tmp_path), DISPLAY=xvfb) is None


def test_pyqt_that_is_not_installed() -> None:
    answer = ask("sys.modules['PyQt6'] = None", QT_QPA_PLATFORM="offscreen")
    assert answer is not None
    assert "PyQt6 is not installed" in answer
    assert "pip install 'rtseg[viewer]'" in answer


@linux_only
@pytest.mark.parametrize("library", ["libxcb-cursor.so.0", "libEGL.so.1"])
def test_system_libraries_that_are_missing_are_named(xvfb: str, tmp_path: Path, library: str) -> None:
    (tmp_path / library).touch()  # found first, and no library: as good as missing
    answer = ask(DISPLAY=xvfb, LD_LIBRARY_PATH=str(tmp_path))
    assert answer is not None
    assert library in answer
    assert "sudo apt install" in answer and "libxcb-cursor0" in answer and "libegl1" in answer


def test_only_what_opencv_has_set_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/venv/lib/python3.11/site-packages/cv2/qt/plugins")
    monkeypatch.setenv("QT_QPA_FONTDIR", "/usr/share/fonts/mine")
    forget_opencv_qt()
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ
    assert os.environ["QT_QPA_FONTDIR"] == "/usr/share/fonts/mine"
