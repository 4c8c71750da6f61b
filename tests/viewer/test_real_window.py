from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.labels import PALETTE

pytestmark = pytest.mark.timeout(180)


def test_a_real_window_opens_after_opencv_has_led_qt_astray(
    xvfb: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = os.environ | {"DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("real_window.py")), str(model_folder), str(tmp_path)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["xcb", "False"]

    shot, seen, canvas = (
        cv2.imread(str(tmp_path / f"{name}.png")) for name in ("shot", "canvas-shot", "canvas")
    )
    for red, green, blue in PALETTE[1:]:
        assert (shot == (blue, green, red)).all(axis=-1).sum() > 40, "a swatch of the legend is missing"
    assert seen.shape == canvas.shape
    right_half = np.s_[: int(0.85 * seen.shape[0]), seen.shape[1] // 2 :]  # where no panel lies
    assert np.array_equal(seen[right_half], canvas[right_half])
