"""The base install on an aarch64 board: from wheels alone, without TensorFlow and without pip's TensorRT.

uv resolves for another machine as if it ran there; pip would read the markers of this one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CONSTRAINTS = REPOSITORY / "tools/jetson/constraints.txt"
OFFLINE = re.compile(
    r"Failed to fetch|error sending request|dns error|client error \(Connect\)|timed out|Network|no index",
    re.I,
)
BOARDS = {"3.10": "2_35", "3.12": "2_39"}
"""The Python of a JetPack, and the C library of its Ubuntu."""


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


def resolve(python: str, cache: Path, *options: str | Path) -> dict[str, str]:
    """What would be installed, name -> version. Skips without uv or a package index."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv (pip install 'rtseg[dev]')")
    command = [
        uv, "pip", "compile", REPOSITORY / "pyproject.toml", "--quiet", "--no-header", "--no-annotate",
        "--cache-dir", cache, "--only-binary", ":all:", "--python-version", python, *options,
        "--python-platform", f"aarch64-manylinux_{BOARDS[python]}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    if done.returncode and OFFLINE.search(done.stderr):
        pytest.skip(f"needs a package index, which does not answer: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    pins = (line.partition(" ;")[0].split("==") for line in done.stdout.splitlines() if "==" in line)
    return {name.strip(): version.strip() for name, version in pins}


@pytest.mark.parametrize("python", BOARDS)
def test_the_base_install_has_wheels_and_nothing_that_a_board_brings_itself(
    python: str, uv_cache: Path
) -> None:
    pins = resolve(python, uv_cache)
    assert {"av", "numpy", "onnxruntime", "opencv-python-headless", "pydantic", "typer"} <= pins.keys()
    unwanted = re.compile(r"tensorflow|keras|torch|jax|tensorrt|nvidia|pycuda|openvino")
    assert not [name for name in pins if unwanted.match(name)]


@pytest.mark.parametrize("python", BOARDS)
def test_what_the_boards_setup_installs_has_wheels_beside_numpy_1(python: str, uv_cache: Path) -> None:
    pins = resolve(python, uv_cache, "--extra", "viewer", "--constraints", CONSTRAINTS)
    assert pins["numpy"].startswith("1.")
    assert "pyqt6" in pins
