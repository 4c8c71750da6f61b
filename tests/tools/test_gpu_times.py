"""The table of times on a stand-in for a GPU: each row is there, whatever its figures; they mean nothing."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from standins.engines import put_engine
from standins.install import standing_in
from standins.kernels_on_cpu import cpu_kernels
from standins.tensorrt_standin import Script

from rtseg.backends.tensorrt.kernels import compiled
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.card import models_folder

TOOL = Path(__file__).parents[2] / "tools" / "_gpu_times.py"
CPU = "CPUExecutionProvider"


@pytest.fixture
def trt(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("rtseg.backends.tensorrt.cache._other_root", lambda: tmp_path / "elsewhere")
    monkeypatch.setattr(compiled, "_compile", lambda arch: b"cubin")
    monkeypatch.setattr("rtseg.backends.tensorrt.graph.load_library", lambda: None)
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[1] / "gpu"), *sys.path])
    with standing_in(shared, "10.3.0") as script:
        script.card.kernels = cpu_kernels(tmp_path)
        yield script


@pytest.fixture
def tool(trt: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("_gpu_times", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in {"ROUNDS": 1, "REPEATS": 1, "COPIED": 1 << 20}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "wall_us", lambda work: (work(), 1.0)[1])
    yield module


def driver() -> Any:
    return sys.modules["pycuda.driver"]


def test_every_kernel_has_its_row_and_the_frame_stands_beside_the_engine(
    trt: Script, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    put_engine(models_folder() / "street-m", (576, 320), trt)
    tool.main()
    told = capsys.readouterr().out
    number = r" +[\d.]+"
    for kernel, moved in {
        "network_input, of 4:2:0": (1920 * 1080 * 1.5 + 512 * 288 * 3) / 2**20,
        "class_map, of half the size": (4 * 4 * 72 * 128 + 960 * 540) / 2**20,
        "tint, of NV12's chroma": 5 * 960 * 540 / 2**20,
        "tint, of BGR": 7 * 1920 * 1080 / 2**20,
    }.items():
        assert re.search(rf"^{re.escape(kernel)}{number} +{moved:.2f}{number}{number}$", told, re.MULTILINE)
    assert {"network_input", "class_map", "tint", "execute"} <= set(trt.card.calls)
    assert re.search(
        r"^end to end with TensorRT: 1 us, network alone \d+ us, ratio [\d.]+ \(asked: 1.3\)$", told, re.M
    )
    assert "end to end with ONNX Runtime: not measured (" in told


def test_without_an_engine_one_is_built_or_it_says_why_not(
    trt: Script, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    trt.build_fails = True
    tool.end_to_end(driver())
    told = capsys.readouterr().out
    assert "Building the fp16 engine of street-m at 576x320 for Stand-in GPU" in told
    assert re.search(r"end to end with TensorRT: not measured \(.*cannot build it", told)


def test_onnx_runtime_takes_the_place_of_tensorrt(trt: Script, tool: ModuleType) -> None:
    onnx = models_folder() / "street-m" / "model.onnx"
    whole, alone = tool.with_onnx_runtime(driver(), onnx, CPU)
    assert (whole, alone) == (1.0, 1.0)
    from onnx_frames import goes_the_whole_way

    with GpuThread(driver(), 0, lambda: None) as thread:
        goes_the_whole_way(driver(), thread, CPU)
