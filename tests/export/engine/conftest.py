"""A small model, and a stand-in for TensorRT and a GPU."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from standins.install import standing_in
from standins.tensorrt_standin import Script

from rtseg.card import WEIGHTS_FILE, find_model
from rtseg.export.calibration import demo_pictures
from rtseg.export.parity import Gate
from rtseg.export.quantize import quantize_model


@pytest.fixture(scope="session")
def weightless_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model as a board has it: ONNX files and a card, and no Keras weights."""
    folder = tmp_path_factory.mktemp("boards") / "tiny"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns(WEIGHTS_FILE))
    quantize_model(
        find_model(str(folder)), folder, demo_pictures(2), lambda *told: None, Gate(count=1, agreement=0.0)
    )
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where engines are kept; both places lie in the test's own folder."""
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("rtseg.backends.tensorrt.cache._other_root", lambda: tmp_path / "elsewhere")
    return tmp_path / "cache" / "engines"


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """Tests that were started in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["8.6.1", "10.3.0", "11.4.0.106"])
def trt(request: pytest.FixtureRequest, shared: Path, cache: Path) -> Iterator[Script]:
    """A stand-in for each version in turn."""
    with standing_in(shared, request.param) as script:
        yield script


@pytest.fixture
def trt10(shared: Path, cache: Path) -> Iterator[Script]:
    """A stand-in for TensorRT 10.3."""
    with standing_in(shared, "10.3.0") as script:
        yield script


@pytest.fixture
def trt8(shared: Path, cache: Path) -> Iterator[Script]:
    """A stand-in for TensorRT 8.6."""
    with standing_in(shared, "8.6.1") as script:
        yield script
