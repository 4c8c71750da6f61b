"""tools/gpu_check where it cannot begin: a line that says what was given and what is expected."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "gpu_check"
MACHINE = platform.machine()

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the script is for bash")


@pytest.fixture
def without_pycuda(tmp_path: Path) -> dict[str, str]:
    """An environment in which PyCUDA cannot be imported, whether it is installed or not."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "pycuda.py").write_text("raise ImportError\n", encoding="utf-8")
    return {"PYTHONPATH": str(tmp_path / "path"), "PYTHON": sys.executable}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error."""
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("tools/gpu_check: ")
    return line


def wheels_for(folder: Path, python: str) -> str:
    """A folder of wheels, by their names; of files that are none."""
    folder.mkdir()
    (folder / f"pycuda-2026.1-{python}-{python}-linux_{MACHINE}.whl").write_bytes(b"")
    return str(folder)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_says_what_to_give_and_begins_nothing(option: str) -> None:
    ended = run(option, PYTHON="/no/python")
    assert (ended.returncode, ended.stderr) == (0, "")
    for word in ("WHEELS", "PYTHON", "CPython 3.12", "x86-64", "nvcc", "Exit code"):
        assert word in ended.stdout


@pytest.mark.parametrize("python", ["/no/python", "/bin/true", "/bin/false"])
def test_what_is_no_python_is_told(python: str) -> None:
    assert f"PYTHON is '{python}', which does not run" in refusal(run(PYTHON=python))


def test_a_python_that_the_wheels_are_not_for_is_told_beside_what_is(
    tmp_path: Path, without_pycuda: dict[str, str]
) -> None:
    line = refusal(run(wheels_for(tmp_path / "wheels", "cp39"), **without_pycuda))
    mine = f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]} {MACHINE}"
    assert f"that is {mine};" in line
    assert f"needs CPython 3.9 {MACHINE}" in line


def test_wheels_that_are_damaged_are_told_in_a_line(tmp_path: Path, without_pycuda: dict[str, str]) -> None:
    own = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    line = refusal(run(wheels_for(tmp_path / "wheels", own), **without_pycuda))
    assert f"does not unpack the wheels in {tmp_path / 'wheels'}: " in line


def test_a_folder_without_wheels_is_told(tmp_path: Path, without_pycuda: dict[str, str]) -> None:
    assert f"no wheel of it in {tmp_path}" in refusal(run(str(tmp_path), **without_pycuda))


def test_a_python_without_the_tests_libraries_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "pycuda.py").write_text("", encoding="utf-8")
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    line = refusal(run(PYTHON=str(bare), PYTHONPATH=str(tmp_path)))
    assert "lacks numpy, cv2, pytest, hypothesis" in line


@pytest.mark.parametrize("arguments", [["--hepl"], ["one", "two"]])
def test_other_arguments_are_answered_with_the_way_to_the_help(arguments: list[str]) -> None:
    assert "tools/gpu_check --help" in refusal(run(*arguments))


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck, which is not installed (Debian: apt install shellcheck)")
    checked = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
