"""What is exported says what Keras says, at any size, and carries its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from rtseg.backends import Backend, open_backend
from rtseg.card import CARD_FILE, METADATA_KEY, ONNX_FILE, WEIGHTS_FILE, find_model, read_card
from rtseg.errors import ModelError
from rtseg.export.onnx import export_onnx
from rtseg.nets.saved import load_network


@pytest.fixture(scope="module")
def backends(tiny_model: Path) -> Iterator[list[Backend]]:
    opened = [
        open_backend(name, tiny_model / ONNX_FILE, classes=4, precision="f32")
        for name in ("onnxruntime", "openvino")
    ]
    yield opened
    for backend in opened:
        backend.close()


@pytest.mark.parametrize("size", [(64, 64), (160, 96)])
def test_the_exported_network_says_what_keras_says(
    tiny_model: Path, backends: list[Backend], size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, size[1], size[0], 3), np.uint8)
    batch = np.concatenate([noise, [picture(size, seed) for seed in range(4)]])
    expected = load_network(tiny_model, size).predict_on_batch(batch).transpose(0, 3, 1, 2)
    assert len(np.unique(expected.argmax(axis=1))) == 4
    for backend in backends:
        logits = backend.infer(batch)
        np.testing.assert_allclose(logits, expected, atol=5e-3, err_msg=backend.name)
        agreement = np.mean(logits.argmax(axis=1) == expected.argmax(axis=1))
        assert agreement >= 0.999, f"{backend.name} agrees with Keras on {agreement:.4%}"


def test_the_onnx_file_carries_its_card_and_keeps_our_contract(tiny_model: Path) -> None:
    model = onnx.load(str(tiny_model / ONNX_FILE))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    card = read_card(tiny_model / CARD_FILE)
    assert list(metadata) == [METADATA_KEY]
    assert json.loads(metadata[METADATA_KEY]) == json.loads(card.without_files().to_json())
    (image,), (logits,) = model.graph.input, model.graph.output
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert (logits.name, logits.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    sides = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (image, logits)]
    assert sides == [["N", "H", "W", 3], ["N", 4, "H/4", "W/4"]]
    assert not {"ArgMax", "Softmax"} & {node.op_type for node in model.graph.node}


def test_the_folder_holds_what_its_card_lists_and_nothing_else(tiny_model: Path) -> None:
    card = find_model(str(tiny_model)).card
    assert set(card.files) == {ONNX_FILE, WEIGHTS_FILE}
    assert {path.name for path in tiny_model.iterdir()} == {ONNX_FILE, WEIGHTS_FILE, CARD_FILE}


@pytest.fixture
def unexported(tiny_model: Path, tmp_path: Path) -> Path:
    """A folder as a training leaves it."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns(ONNX_FILE))
    card = read_card(folder / CARD_FILE).without_files()
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", ["of another net", "text", "missing"])
def test_weights_that_do_not_fit_are_refused(unexported: Path, kind: str) -> None:
    if kind == "of another net":
        text = (unexported / CARD_FILE).read_text(encoding="utf-8")
        (unexported / CARD_FILE).write_text(text.replace("mobilenetv2x05", "mobilenetv2"), encoding="utf-8")
    elif kind == "text":
        (unexported / WEIGHTS_FILE).write_text("Dear diary", encoding="utf-8")
    else:
        (unexported / WEIGHTS_FILE).unlink()
    message = f"{WEIGHTS_FILE}: missing" if kind == "missing" else f"{WEIGHTS_FILE}: not the weights of"
    with pytest.raises(ModelError, match=message):
        export_onnx(unexported, unexported.parent / "out")
    assert not (unexported.parent / "out" / ONNX_FILE).exists()


def test_weights_that_are_not_those_of_the_card_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(tiny_model, folder)
    with (folder / WEIGHTS_FILE).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        export_onnx(folder, tmp_path / "out")


def test_a_folder_without_a_card_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=CARD_FILE):
        export_onnx(tmp_path, tmp_path / "out")


def test_exporting_elsewhere_makes_a_whole_folder_and_leaves_the_first_alone(
    unexported: Path, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in unexported.iterdir()}
    export_onnx(unexported, tmp_path / "a/new/folder")
    assert find_model(str(tmp_path / "a/new/folder")).card.name == "tiny"
    assert {path.name: path.read_bytes() for path in unexported.iterdir()} == before
