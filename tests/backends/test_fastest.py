"""What measures faster is taken, and measured once."""

from __future__ import annotations

import sys
from pathlib import Path

import onnxruntime
import pytest

from rtseg.backends import fastest as fastest_module
from rtseg.backends.fastest import fastest
from rtseg.card import INT8_FILE, ONNX_FILE, models_folder
from rtseg.errors import BackendUnavailable
from rtseg.segmenter import load


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    folder = models_folder() / "street-s"
    if not (folder / INT8_FILE).is_file():
        pytest.skip("needs models/street-s, which is not in this checkout")
    return folder


def choose(folder: Path) -> str:
    names = folder / ONNX_FILE, folder / INT8_FILE
    return fastest("openvino", *names, classes=4, size=(128, 96), mode="live")


@pytest.mark.parametrize(("worth_it", "chosen"), [(100.0, "int8"), (0.0, "auto")])
def test_the_faster_one_is_taken_and_remembered(
    model: Path, monkeypatch: pytest.MonkeyPatch, worth_it: float, chosen: str
) -> None:
    monkeypatch.setattr(fastest_module, "_WORTH_IT", worth_it)
    assert choose(model) == chosen
    monkeypatch.setattr(fastest_module, "_WORTH_IT", 100.0 - worth_it)
    assert choose(model) == chosen, "measured again"


def test_where_nothing_can_be_kept_nothing_is_measured(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(fastest_module, "_WORTH_IT", 100.0)
    assert choose(model) == "auto"


@pytest.mark.parametrize("backend", ["onnxruntime-cuda", "onnxruntime-tensorrt", "tensorrt", "openvino"])
def test_a_backend_that_cannot_be_had_is_said_before_anything_is_measured_or_kept(
    backend: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    for module in ("tensorrt.backend", "openvino"):
        monkeypatch.delitem(sys.modules, f"rtseg.backends.{module}", raising=False)
    with pytest.raises(BackendUnavailable, match=backend):
        load(str(model), backend=backend, measure=True)
    assert not caplog.records
    assert not (tmp_path / "cache").exists()


def test_only_who_asks_for_it_gets_the_quantised_network(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastest_module, "_WORTH_IT", 100.0)
    with load(str(model), backend="openvino", measure=True) as measured:
        assert measured.backend.precision == measured.card.precision == "int8"
    with load(str(model), backend="openvino") as usual:
        assert usual.card.precision == "float32"
    with load(str(model), backend="openvino", precision="f32", measure=True) as asked:
        assert asked.backend.precision == "f32"
