"""What touches TensorRT uses only what every version of it has: mypy checks it against the stubs of each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from standins.install import VERSIONS, stubs_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("rtseg.backends.tensorrt", "rtseg.export.engine")


def check(stubs: Path, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy", reason="needs mypy (pip install 'rtseg[dev]')")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(stubs)},
        timeout=280,
    )


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_code_fits_the_stubs_of(version: str, shared: Path, mypy_cache: Path) -> None:
    packages = [part for package in PACKAGES for part in ("--package", package)]
    found = check(stubs_of(shared, version), mypy_cache, *packages)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_check_sees_a_name_that_a_version_does_not_have(
    version: str, shared: Path, mypy_cache: Path, tmp_path: Path
) -> None:
    """Or the one before says nothing: it would pass where the stubs are not found."""
    code = "import tensorrt as trt\n\ntrt.Builder(trt.Logger()).make_coffee()\n"
    (tmp_path / "wrong.py").write_text(code, encoding="utf-8")
    found = check(stubs_of(shared, version), mypy_cache, str(tmp_path / "wrong.py"))
    assert found.returncode == 1
    assert '"Builder" has no attribute "make_coffee"' in found.stdout
