"""Model cards: written, read again, and never trusted blindly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rtseg
from rtseg import card, labels
from rtseg.card import CARD_FILE, INT8_FILE, ONNX_FILE, InputSpec, Metric, ModelCard, TrainingData
from rtseg.errors import ModelError

METRIC = Metric(
    dataset="d",
    split="val",
    command="rtseg eval",
    frames=2,
    iou={"road": 0.5, "vehicle": None},
    mean_iou=0.5,
    mean_iou_all=0.4,
    pixel_accuracy=0.9,
)


def a_card(**changes: Any) -> ModelCard:
    given = {
        "name": "some",
        "net": "lite_mobilenetv2",
        "classes": labels.CLASSES,
        "palette": labels.PALETTE,
        "input": InputSpec(width=512, height=288),
    }
    return ModelCard(**(given | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder as the shipped ones are; its ONNX file is not opened by the tests that take it."""
    (tmp_path / ONNX_FILE).write_bytes(b"network")
    files = {ONNX_FILE: card.describe_file(tmp_path / ONNX_FILE)}
    (tmp_path / CARD_FILE).write_text(a_card(files=files).to_json(), encoding="utf-8")
    return tmp_path


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    change(data)
    (folder / CARD_FILE).write_text(json.dumps(data), encoding="utf-8")


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = a_card(training_data=(TrainingData(name="d", license="MIT"),), metrics=(METRIC,))
    path = tmp_path / CARD_FILE
    path.write_text(written.to_json(), encoding="utf-8")
    assert card.read_card(path) == written
    assert json.loads(written.to_json())["schema"] == 1


def test_the_card_inside_the_onnx_file_leaves_out_what_only_comes_later() -> None:
    files = {ONNX_FILE: card.FileEntry(sha256="0" * 64, bytes=1)}
    assert a_card(files=files, metrics=(METRIC,)).without_files() == a_card()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(colour="red"), "colour: Extra inputs"),
        (lambda data: data["input"].update(color="BGR"), r"input\.color"),
        (lambda data: data["input"].update(width="wide"), r"input\.width"),
        (lambda data: data["input"].update(height=1_000_000), r"input\.height"),
        (lambda data: data["output"].update(stride=3), r"output\.stride: Input should be 1, 2 or 4"),
        (lambda data: data.pop("net"), "net: Field required"),
        (lambda data: data.update(schema=2), "schema"),
        (lambda data: data.update(name="../../etc"), "name"),
        (lambda data: data["palette"].pop(), "palette has 3 colours for 4 classes"),
        (lambda data: data["palette"][1].append(0), r"palette\.1"),
        (lambda data: data["palette"][2].__setitem__(0, 256), r"palette\.2\.0"),
        (lambda data: data.update(classes=["road"]), "classes"),
        (lambda data: data["files"][ONNX_FILE].update(sha256="abc"), r"files\.model\.onnx\.sha256"),
    ],
)
def test_what_is_wrong_in_a_card_is_named(folder: Path, change: Callable[..., Any], message: str) -> None:
    edit(folder, change)
    with pytest.raises(ModelError, match=message) as caught:
        card.find_model(str(folder))
    assert str(folder / CARD_FILE) in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"", b"\xff\xfe\x00"])
def test_a_card_that_is_no_card_says_so(folder: Path, content: bytes) -> None:
    (folder / CARD_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=CARD_FILE):
        card.find_model(str(folder))


def test_a_whole_folder_is_found_by_its_path(folder: Path) -> None:
    model = card.find_model(str(folder))
    assert model.card.name == "some"
    assert model.onnx_path == folder / ONNX_FILE


@pytest.mark.parametrize("content", [b"netwonk", b"network and more"])
def test_a_file_that_the_card_does_not_describe_is_refused(folder: Path, content: bytes) -> None:
    (folder / ONNX_FILE).write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        card.find_model(str(folder))


def test_a_missing_file_and_one_that_is_not_listed_are_refused(folder: Path) -> None:
    (folder / ONNX_FILE).unlink()
    with pytest.raises(ModelError, match=rf"{ONNX_FILE}: missing"):
        card.find_model(str(folder))
    (folder / ONNX_FILE).write_bytes(b"network")
    edit(folder, lambda data: data["files"].clear())
    with pytest.raises(ModelError, match=f"lists no {ONNX_FILE}"):
        card.find_model(str(folder))


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"no {CARD_FILE} in it"):
        card.find_model(str(tmp_path))


def test_the_int8_network_of_a_folder_is_found_when_asked_for(folder: Path) -> None:
    with pytest.raises(ModelError, match="has no int8 network; make one with `rtseg export --format int8"):
        card.find_model(str(folder), "int8")
    (folder / INT8_FILE).write_bytes(b"small network")
    entry = card.describe_file(folder / INT8_FILE).model_dump()
    edit(folder, lambda data: data["files"].update({INT8_FILE: entry}))
    model = card.find_model(str(folder), "int8")
    assert (model.onnx_path, model.card.precision) == (folder / INT8_FILE, "int8")
    for precision in (None, "float32"):
        model = card.find_model(str(folder), precision)
        assert (model.onnx_path, model.card.precision) == (folder / ONNX_FILE, "float32")
    (folder / INT8_FILE).write_bytes(b"other network")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        card.find_model(str(folder), "int8")


def test_figures_replace_those_of_the_same_data_and_network_only(folder: Path) -> None:
    for precision, mean_iou in (("int8", 0.4), ("float32", 0.5), ("int8", 0.45)):
        card.add_metric(str(folder), METRIC.model_copy(update={"precision": precision, "mean_iou": mean_iou}))
    found = [(each.precision, each.mean_iou) for each in card.read_card(folder / CARD_FILE).metrics]
    assert found == [("float32", 0.5), ("int8", 0.45)]


def test_a_lone_file_takes_no_figures(tiny_model: Path, tmp_path: Path) -> None:
    """Also where another model's card lies beside it."""
    for file in (ONNX_FILE, CARD_FILE):
        shutil.copy(tiny_model / file, tmp_path / file)
    before = (tmp_path / CARD_FILE).read_bytes()
    with pytest.raises(ModelError, match=r"a lone ONNX file has no .* to write to; name its folder"):
        card.add_metric(str(tmp_path / ONNX_FILE), METRIC)
    assert (tmp_path / CARD_FILE).read_bytes() == before


@pytest.fixture
def shipped(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    models = tmp_path / "shipped"
    for name in ("street-m", "street-s"):
        models.joinpath(name).mkdir(parents=True)
        for file in (CARD_FILE, ONNX_FILE):
            shutil.copy(folder / file, models / name)
    monkeypatch.setattr(card, "models_folder", lambda: models)
    return models


def test_shipped_models_are_found_by_name(shipped: Path) -> None:
    assert card.shipped_models() == ["street-m", "street-s"]
    assert card.find_model("street-s").onnx_path == shipped / "street-s" / ONNX_FILE


@pytest.mark.parametrize(
    ("name", "start"),
    [("street-x", "unknown model 'street-x'; did you mean 'street-"), ("zz", "unknown model 'zz'. ")],
)
def test_an_unknown_model_lists_those_there_are(shipped: Path, name: str, start: str) -> None:
    with pytest.raises(ModelError, match="There are: street-m, street-s") as caught:
        card.find_model(name)
    assert str(caught.value).startswith(start)


def test_a_lone_onnx_file_explains_itself(tiny_model: Path, tmp_path: Path) -> None:
    lone = shutil.copy(tiny_model / ONNX_FILE, tmp_path / "elsewhere.onnx")
    model = card.find_model(str(lone))
    assert model.onnx_path == lone
    assert model.card == card.read_card(tiny_model / CARD_FILE).without_files()


def test_an_onnx_file_of_another_program_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", "x", "y")], "g", value[:1], value[1:])
    path = tmp_path / "other.onnx"
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    with pytest.raises(ModelError, match="not one of rtseg's"):
        card.find_model(str(path))


def test_a_text_file_named_onnx_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    with pytest.raises(ModelError, match="no such file"):
        card.find_model(str(path))
    path.write_text("Dear diary", encoding="utf-8")
    with pytest.raises(ModelError, match="is no ONNX file that can be loaded"):
        card.find_model(str(path))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_card_that_contradicts_its_network_is_refused(
    tiny_model: Path, tmp_path: Path, backend: str
) -> None:
    folder = tmp_path / "liar"
    shutil.copytree(tiny_model, folder)
    edit(folder, lambda data: (data["classes"].append("sky"), data["palette"].append([1, 2, 3])))
    with pytest.raises(ModelError, match="promises 5 on axis 1"):
        rtseg.load(str(folder), backend=backend)
