"""What must start at once loads nothing heavy, and nothing reports home."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "tensorflow", "keras", "PyQt6", "pyqtgraph", "openvino", "onnxruntime", "tensorrt", "pycuda",
    "ray", "fsspec",
}  # fmt: skip
HAS_CLI = importlib.util.find_spec("rtseg.__main__") is not None


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after the code."""
    code += (
        "\nimport sys; print('LOADED', *{name.split('.')[0] for name in sys.modules if sys.modules[name]})"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.rpartition("LOADED ")[2].split())


def test_the_check_sees_what_is_loaded() -> None:
    assert "onnxruntime" in loaded_by("import onnxruntime")


def test_importing_rtseg_loads_nothing_heavy() -> None:
    loaded = loaded_by("import rtseg")
    assert "rtseg" in loaded
    assert not loaded & (HEAVY | {"cv2", "numpy", "av"})


HELP = """
import sys
from rtseg.cli import main
sys.argv = ["rtseg", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""


@pytest.mark.skipif(not HAS_CLI, reason="needs rtseg.cli.main, which is not there yet")
def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_by(HELP)
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"cv2", "av"})


def test_running_a_network_loads_no_training_library_and_no_viewer(tiny_model: Path) -> None:
    code = f"""
import numpy, rtseg
with rtseg.load({str(tiny_model)!r}) as segmenter:
    segmenter(numpy.zeros((64, 64, 3), numpy.uint8))
"""
    assert not loaded_by(code) & {"tensorflow", "keras", "onnx", "PyQt6"}


def test_running_a_network_reports_to_nobody() -> None:
    assert "openvino_telemetry" not in loaded_by("import rtseg.backends.openvino")
