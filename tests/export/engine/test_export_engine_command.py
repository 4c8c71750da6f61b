"""rtseg export --format engine: one line for each trouble, paths on stdout, and no TensorFlow on a board."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standins.tensorrt_standin import Script

from rtseg.backends.tensorrt.cache import PLAN_FILE, SIDECAR_FILE


@pytest.fixture
def export(rtseg: Callable[..., Any], weightless_model: Path) -> Callable[..., Any]:
    return lambda *options: rtseg("export", "--model", weightless_model, "--format", "engine", *options)


def test_the_engine_is_built_and_its_path_told(trt: Script, export: Callable[..., Any], cache: Path) -> None:
    done = export("--min-agreement", 0.5)
    assert done.code == 0, done.err
    path = Path(done.out.strip())
    assert path.is_relative_to(cache)
    sidecar = json.loads(path.with_name(SIDECAR_FILE).read_text())
    assert sidecar["model"] == "tiny"
    assert sidecar["key"]["precision"] == "fp16"
    assert 0.5 < sidecar["agreement"] <= 1
    assert "Building the fp16 engine of tiny at 64x64 for Stand-in GPU" in done.err
    assert "tiny as fp16 engine beside model.onnx on ONNX Runtime" in done.err
    again = export()
    assert (again.code, again.out) == (0, done.out)
    assert "It is in the cache already, for this very board" in again.err


def test_it_is_copied_for_other_programs(trt10: Script, export: Callable[..., Any], tmp_path: Path) -> None:
    out, report, timings = tmp_path / "out", tmp_path / "report.json", tmp_path / "timings"
    options = [
        "-o",
        out,
        "--precision",
        "fp32",
        "--size",
        "96x64",
        "--report",
        report,
        "--timing-cache",
        timings,
    ]
    done = export(*options, "--workspace", 256)
    assert done.code == 0, done.err
    assert done.out.split() == [str(out / PLAN_FILE), str(out / SIDECAR_FILE), str(report)]
    assert json.loads((out / SIDECAR_FILE).read_text())["key"]["shape"] == [1, 64, 96, 3]
    assert json.loads(report.read_text())["exported"] == "fp32 engine"
    assert timings.is_file()
    assert "exists already; add -y" in export(*options).err


@pytest.mark.usefixtures("hears_ctrl_c")
def test_ctrl_c_ends_with_a_line_and_130(
    trt10: Script, export: Callable[..., Any], cache: Path, tmp_path: Path
) -> None:
    import _thread
    import time

    def step(number: int) -> None:
        if number == 1:
            _thread.interrupt_main()
        time.sleep(0.05)

    trt10.on_step = step
    done = export("--min-agreement", 0, "-o", tmp_path / "out")
    assert (done.code, done.out) == (130, "")
    assert not (tmp_path / "out").exists()
    assert "Stopped; nothing of the engine was kept" in done.err
    assert "Traceback" not in done.err
    assert not list(cache.rglob("*.engine"))


@pytest.mark.parametrize("terminal", [False, True])
def test_without_the_package_one_line_says_how_to_get_it_and_to_do_without(
    export: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    if "tensorrt" in sys.modules:
        pytest.skip("needs a machine without TensorRT")
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    done = export()
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "rtseg[tensorrt]" in line
    assert line.endswith("do without an engine: `rtseg run --backend onnxruntime` runs the model on the CPU")


@pytest.mark.parametrize("terminal", [False, True])
def test_without_a_gpu_too(
    trt10: Script, export: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    trt10.card.count = 0
    done = export()
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "no GPU here" in line
    assert line.endswith(
        "or do without an engine: `rtseg run --backend onnxruntime` runs the model on the CPU"
    )


def test_a_build_that_fails_leaves_no_folder(
    trt10: Script, export: Callable[..., Any], tmp_path: Path
) -> None:
    trt10.alters_logits = lambda logits: logits[:, ::-1]
    done = export("-o", tmp_path / "a/b")
    assert (done.code, done.out) == (2, "")
    assert "Not kept: use --precision fp32, or give a smaller --min-agreement" in done.err.splitlines()[-1]
    assert not (tmp_path / "a").exists()


def test_a_board_needs_no_training_library(
    trt10: Script,
    export: Callable[..., Any],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "with weights")
    for name in [
        each for each in sys.modules if each.startswith(("rtseg.export", "rtseg.nets", "rtseg.training"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("keras", "tensorflow", "tf2onnx"):
        monkeypatch.setitem(sys.modules, name, None)
    done = export("--model", folder, "--precision", "fp32")
    assert done.code == 0, done.err
    assert "beside model.onnx on ONNX Runtime" in done.err
