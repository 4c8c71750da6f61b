"""Written anew, a model keeps what was measured with and made of the same network, and says what it drops."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rtseg.card import (
    CARD_FILE,
    INT8_FILE,
    ONNX_FILE,
    WEIGHTS_FILE,
    Metric,
    ModelCard,
    describe_file,
    find_model,
    read_card,
)
from rtseg.export.calibration import demo_pictures
from rtseg.export.keeping import Kept, network_digest, what_holds
from rtseg.export.onnx import export_onnx, write_onnx
from rtseg.export.parity import Gate
from rtseg.export.quantize import quantize_model
from rtseg.nets.saved import load_network

LOOSE = Gate(count=1, agreement=0.0)
CREDIT = "rtseg's demo source (int8 calibration)"


def metric(precision: Any) -> Metric:
    return Metric(
        dataset="d", split="val", command="rtseg eval", frames=1, iou={}, mean_iou=0.5, mean_iou_all=0.5,
        pixel_accuracy=0.5, precision=precision,
    )  # fmt: skip


@pytest.fixture(scope="module")
def measured(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an int8 network, and figures of both."""
    folder = tmp_path_factory.mktemp("measured") / "model"
    shutil.copytree(tiny_model, folder)
    quantize_model(find_model(str(folder)), folder, demo_pictures(1), lambda *told: None, LOOSE)
    write(folder, read_card(folder / CARD_FILE), metrics=(metric("float32"), metric("int8")))
    return folder


@pytest.fixture
def model(measured: Path, tmp_path: Path) -> Path:
    return shutil.copytree(measured, tmp_path / "model")


def write(folder: Path, card: ModelCard, **changes: Any) -> None:
    (folder / CARD_FILE).write_text(card.model_copy(update=changes).to_json(), encoding="utf-8")


@pytest.fixture(scope="module")
def converted(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another conversion of the same weights."""
    network = load_network(tiny_model)
    path = tmp_path_factory.mktemp("converted") / ONNX_FILE
    write_onnx(network, path, read_card(tiny_model / CARD_FILE))
    return path


def test_another_conversion_of_the_same_weights_is_the_same_network(
    tiny_model: Path, converted: Path
) -> None:
    """Keras numbers what it makes, so the names differ."""
    files = [onnx.load(str(path)).graph.SerializeToString() for path in (tiny_model / ONNX_FILE, converted)]
    assert files[0] != files[1]
    assert network_digest(tiny_model / ONNX_FILE) == network_digest(converted)


def test_all_holds_for_the_same_network(model: Path, converted: Path) -> None:
    card = read_card(model / CARD_FILE)
    kept = what_holds(model, model, converted)
    assert (kept.metrics, kept.int8, kept.dropped) == (card.metrics, card.files[INT8_FILE], "")
    assert [data.name for data in kept.calibrated_on] == [CREDIT]


@pytest.mark.parametrize(
    ("harm", "message"), [("altered", "is not what its card says"), ("gone", "is not in")]
)
def test_an_int8_file_that_is_not_there_goes_with_its_figures(
    model: Path, converted: Path, harm: str, message: str
) -> None:
    if harm == "gone":
        (model / INT8_FILE).unlink()
    else:
        (model / INT8_FILE).write_bytes(b"dear diary")
    kept = what_holds(model, model, converted)
    assert f"dropped {INT8_FILE}, which {message}" in kept.dropped
    assert [each.precision for each in kept.metrics] == ["float32"]
    assert (kept.int8, kept.calibrated_on) == (None, ())


def test_a_new_folder_has_no_int8_file_to_keep(model: Path, converted: Path, tmp_path: Path) -> None:
    kept = what_holds(model, tmp_path, converted)
    assert f"{INT8_FILE}, which is not in {tmp_path}" in kept.dropped
    assert [each.precision for each in kept.metrics] == ["float32"]


@pytest.mark.parametrize("harm", ["card", "network", "network that the card describes"])
def test_nothing_is_kept_of_what_cannot_be_trusted(model: Path, converted: Path, harm: str) -> None:
    card = read_card(model / CARD_FILE)
    (model / (CARD_FILE if harm == "card" else ONNX_FILE)).write_text("dear diary")
    if harm.endswith("describes"):
        write(model, card, files=card.files | {ONNX_FILE: describe_file(model / ONNX_FILE)})
    kept = what_holds(model, model, converted)
    assert kept == Kept(dropped=kept.dropped)
    assert str(model / CARD_FILE) in kept.dropped


def test_where_there_is_nothing_to_keep_nothing_is_told(tiny_model: Path, converted: Path) -> None:
    assert what_holds(tiny_model, tiny_model, converted) == Kept()


def test_an_export_keeps_what_holds_in_the_folder_that_it_writes(
    tiny_model: Path, measured: Path, model: Path
) -> None:
    """Here from a folder that knows of no figures."""
    told: list[str] = []
    export_onnx(tiny_model, model, LOOSE, told.append)
    assert read_card(model / CARD_FILE).metrics == read_card(measured / CARD_FILE).metrics
    assert find_model(str(model), "int8").onnx_path == model / INT8_FILE
    assert [data.name for data in read_card(model / CARD_FILE).training_data] == [CREDIT]
    assert told == []


def test_another_network_drops_them_and_the_command_says_so(rtseg: Callable[..., Any], model: Path) -> None:
    network = load_network(model)
    network.set_weights([array * np.float32(1.01) for array in network.get_weights()])
    network.save_weights(str(model / WEIGHTS_FILE))
    card = read_card(model / CARD_FILE)
    write(model, card, files=card.files | {WEIGHTS_FILE: describe_file(model / WEIGHTS_FILE)})
    outcome = rtseg("export", "--model", model)
    assert (outcome.code, outcome.out) == (0, f"{model / ONNX_FILE}\n"), outcome.err
    line = outcome.err.splitlines()[-1]
    assert line.startswith(f"{model / CARD_FILE}: dropped its figures and {INT8_FILE}, made with another")
    card = read_card(model / CARD_FILE)
    assert (card.metrics, set(card.files), card.training_data) == ((), {ONNX_FILE, WEIGHTS_FILE}, ())


def test_a_digest_is_of_what_is_calculated(tiny_model: Path, tmp_path: Path) -> None:
    """Names and the card make no difference, a weight and an operator do."""
    original = onnx.load(str(tiny_model / ONNX_FILE))
    digest = network_digest(tiny_model / ONNX_FILE)

    def changed(change: Callable[[Any], None]) -> str:
        network = onnx.ModelProto()
        network.CopyFrom(original)
        change(network)
        onnx.save(network, str(tmp_path / "changed.onnx"))
        return network_digest(tmp_path / "changed.onnx")

    def rename(network: Any) -> None:
        del network.metadata_props[:]
        for node in network.graph.node:
            node.name += "x"
            for names in (node.input, node.output):
                names[:] = [name and f"{name}x" for name in names]
        values = (*network.graph.initializer, *network.graph.input, *network.graph.output)
        for value in values:
            value.name += "x"

    def alter_weight(network: Any) -> None:
        weights = max(network.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        weights.raw_data = bytes([weights.raw_data[0] ^ 1]) + weights.raw_data[1:]

    def alter_operator(network: Any) -> None:
        next(node for node in network.graph.node if node.op_type == "Conv").op_type = "ConvInteger"

    def alter_attribute(network: Any) -> None:
        convolution = next(node for node in network.graph.node if node.op_type == "Conv")
        next(each for each in convolution.attribute if each.name == "strides").ints[0] += 1

    assert changed(rename) == digest
    for change in (alter_weight, alter_operator, alter_attribute):
        assert changed(change) != digest, change.__name__
