"""Stand-ins for TensorRT and a GPU, and what runs the same on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from standins.cuda_standin import Graphs
from standins.install import standing_in
from standins.kernels_on_cpu import CpuKernels, cpu_kernels
from standins.tensorrt_standin import Script

from rtseg.backends import Backend, open_backend
from rtseg.backends.tensorrt.kernels import compiled
from rtseg.card import ONNX_FILE


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> CpuKernels:
    return cpu_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("rtseg.backends.tensorrt.cache._other_root", lambda: tmp_path / "elsewhere")
    monkeypatch.setattr(compiled, "_compile", lambda arch: f"cubin for {arch}".encode())
    monkeypatch.setattr("rtseg.backends.tensorrt.graph.load_library", lambda: None)


@pytest.fixture(params=["8.6.1", "10.3.0", "11.4.0.106"])
def each_trt(request: pytest.FixtureRequest, shared: Path, kernels: CpuKernels) -> Iterator[Script]:
    with standing_in(shared, request.param) as script:
        script.card.kernels = kernels
        yield script


@pytest.fixture
def trt(shared: Path, kernels: CpuKernels) -> Iterator[Script]:
    with standing_in(shared, "10.3.0") as script:
        script.card.kernels = kernels
        yield script


@pytest.fixture
def graphs(trt: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graphs]:
    """A driver that records calls."""
    found = Graphs(trt.card)
    monkeypatch.setattr("rtseg.backends.tensorrt.graph.load_library", lambda: found)
    yield found
    found.nothing_left()


@pytest.fixture(scope="module")
def cpu(tiny_model: Path) -> Iterator[Backend]:
    with open_backend("onnxruntime", tiny_model / ONNX_FILE, classes=4) as backend:
        yield backend
