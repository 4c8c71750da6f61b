"""Compiled networks on disk: used the second time, never for another network, and done without at need."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtseg.backends import cache
from rtseg.backends.openvino import OpenVinoBackend
from rtseg.card import ONNX_FILE

BATCH = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
Open = Callable[..., OpenVinoBackend]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def infer(path: Path, precision: str = "f32", mode: str = "live") -> tuple[np.ndarray, bool]:
    """-> (logits, whether the network had been compiled before)"""
    with OpenVinoBackend(path, classes=4, precision=precision, mode=mode) as backend:  # type: ignore[arg-type]
        return backend.infer(BATCH), backend.from_cache


def blobs(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    """The same network but for one number among its weights."""
    onnx = pytest.importorskip("onnx", reason="needs onnx to change a weight (pip install 'rtseg[train]')")
    network = onnx.load(str(tiny_model / ONNX_FILE))
    last = next(node for node in reversed(network.graph.node) if node.op_type in {"Add", "Conv"})
    (bias,) = (
        tensor
        for tensor in network.graph.initializer
        if tensor.name in last.input and np.prod(tensor.dims) == 4
    )
    values = onnx.numpy_helper.to_array(bias)
    added = np.float32([0, 9, 0, 0]).reshape(values.shape)
    bias.CopyFrom(onnx.numpy_helper.from_array(values + added, bias.name))
    onnx.save(network, str(tmp_path / ONNX_FILE))
    return tmp_path / ONNX_FILE


def test_the_second_start_finds_what_the_first_compiled(root: Path, tiny_model: Path) -> None:
    first, before = infer(tiny_model / ONNX_FILE)
    second, after = infer(tiny_model / ONNX_FILE)
    assert (before, after) == (False, True)
    np.testing.assert_array_equal(first, second)
    assert infer(tiny_model / ONNX_FILE, mode="offline")[1]  # one file does for both


def test_another_network_at_the_same_path_is_compiled_anew(
    root: Path, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.of.the.day.onnx"
    shutil.copy2(tiny_model / ONNX_FILE, path)
    stamp = path.stat()
    first, _ = infer(path)
    shutil.copyfile(other_model, path)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert path.stat().st_size == stamp.st_size
    second, from_cache = infer(path)
    assert not from_cache
    np.testing.assert_allclose(second[:, 1] - first[:, 1], 9, atol=1e-2)


def test_another_precision_or_version_is_compiled_anew(
    root: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    infer(tiny_model / ONNX_FILE)
    monkeypatch.setattr("openvino.__version__", "1999.1")
    assert not infer(tiny_model / ONNX_FILE)[1]
    assert len({path.parent for path in blobs(root)}) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:999] + b"?" + data[1000:]])
def test_a_damaged_file_is_made_anew(root: Path, tiny_model: Path, damage: Callable[[bytes], bytes]) -> None:
    first, _ = infer(tiny_model / ONNX_FILE)
    (blob,) = blobs(root)
    whole = blob.read_bytes()
    blob.write_bytes(damage(whole))
    second, from_cache = infer(tiny_model / ONNX_FILE)
    assert not from_cache
    np.testing.assert_array_equal(first, second)
    assert infer(tiny_model / ONNX_FILE)[1]


def test_without_a_place_it_goes_on_and_says_so_once(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING):
        assert not infer(tiny_model / ONNX_FILE)[1]
        assert not infer(tiny_model / ONNX_FILE)[1]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "Not a directory" in line and "RTSEG_CACHE" in line and "\n" not in line


def test_what_was_not_used_for_longest_is_forgotten(root: Path, tmp_path: Path) -> None:
    for number in range(20):
        network = tmp_path / f"{number}.onnx"
        network.write_bytes(bytes([number]))
        kept = cache.CompiledCache(network, "compiler 1")
        kept.write("blob", b"compiled")
        os.utime(blobs(root)[0].parent.parent / _newest(root), (number, number))
    assert kept.read("blob") == b"compiled"
    assert len(blobs(root)) < 15


def _newest(root: Path) -> str:
    return max((root / "compiled").iterdir(), key=lambda folder: folder.stat().st_mtime).name
