"""An int8 network is small, says what the float one says on every backend, and is what TensorRT takes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import numpy_helper

import rtseg
from rtseg import labels
from rtseg.card import (
    CARD_FILE,
    INT8_FILE,
    METADATA_KEY,
    ONNX_FILE,
    WEIGHTS_FILE,
    InputSpec,
    ModelCard,
    describe_file,
    find_model,
    read_card,
)
from rtseg.data.demo import unseen_sample
from rtseg.errors import ModelError
from rtseg.export.calibration import Calibration, data_set_pictures, demo_pictures
from rtseg.export.qdq import observe, quantise
from rtseg.export.quantize import quantize_model
from rtseg.export.sensitivity import ALIKE, quantise_alike
from rtseg.segmenter import Segmenter

BACKENDS = ["onnxruntime", "openvino"]


def a_chain(*convs: tuple[np.ndarray, bool]) -> Any:
    """image -> convolutions of (C out, C in, k, k) weights and stride k, a ReLU where said -> logits."""
    nodes = [
        onnx.helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Transpose", ["float"], ["x0"], perm=[0, 3, 1, 2]),
    ]
    constants = []
    for number, (weights, relu) in enumerate(convs):
        constants.append(numpy_helper.from_array(weights.astype(np.float32), f"w{number}"))
        after = "logits" if number == len(convs) - 1 else f"x{number + 1}"
        output = f"c{number}" if relu else after
        inputs, strides = [f"x{number}", f"w{number}"], weights.shape[2:]
        nodes.append(onnx.helper.make_node("Conv", inputs, [output], strides=strides))
        if relu:
            nodes.append(onnx.helper.make_node("Relu", [output], [after]))
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["N", "H", "W", 3])
    shape = ["N", len(convs[-1][0]), "h", "w"]
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph(nodes, "chain", [image], [logits], constants)
    opset = [onnx.helper.make_opsetid("", 15)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)


@pytest.fixture
def little(tmp_path: Path) -> Path:
    """The folder of a model with two convolutions, which is quantised in no time."""
    rng = np.random.default_rng(0)
    network = a_chain((rng.normal(size=(16, 3, 4, 4)), True), (rng.normal(size=(4, 16, 1, 1)), False))
    card = ModelCard(
        name="little",
        net="lite_mobilenetv2",
        classes=labels.CLASSES,
        palette=labels.PALETTE,
        input=InputSpec(width=64, height=64),
    )
    onnx.helper.set_model_props(network, {METADATA_KEY: card.to_json()})
    folder = tmp_path / "little"
    folder.mkdir()
    onnx.save(network, str(folder / ONNX_FILE))
    files = {ONNX_FILE: describe_file(folder / ONNX_FILE)}
    (folder / CARD_FILE).write_text(card.model_copy(update={"files": files}).to_json(), encoding="utf-8")
    return folder


def quantise_folder(folder: Path, calibration: Calibration) -> None:
    quantize_model(find_model(str(folder)), folder, calibration, lambda what, done, total: None)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model with an int8 network, calibrated with a few demo scenes."""
    folder = tmp_path_factory.mktemp("models") / "street"
    folder.mkdir()
    quantize_model(find_model("street-m"), folder, demo_pictures(4), lambda what, done, total: None)
    return folder


@pytest.fixture(scope="module")
def network(street: Path) -> Any:
    return onnx.load(str(street / INT8_FILE))


@pytest.fixture(scope="module")
def segmenters(street: Path) -> Iterator[dict[str, Segmenter]]:
    opened = {name: rtseg.load(str(street), backend=name, precision="int8") for name in BACKENDS}
    opened["float"] = rtseg.load(str(street), backend="onnxruntime", precision="f32")
    yield opened
    for segmenter in opened.values():
        segmenter.close()


@pytest.mark.parametrize("name", BACKENDS)
def test_it_says_what_the_float_network_says(segmenters: dict[str, Segmenter], name: str) -> None:
    assert segmenters[name].backend.precision == "int8"
    same = []
    for number in range(2):
        picture_bgr = np.ascontiguousarray(unseen_sample(number)[0][..., ::-1])
        expected = segmenters["float"](picture_bgr)
        assert len(np.unique(expected)) > 2
        same.append(np.mean(segmenters[name](picture_bgr) == expected))
    assert np.mean(same) >= 0.99, same


def test_it_is_smaller_than_a_third(street: Path) -> None:
    assert (street / INT8_FILE).stat().st_size < (street / ONNX_FILE).stat().st_size / 3


def test_all_is_symmetric_and_weights_are_int8_per_channel(network: Any) -> None:
    """As TensorRT parses it: see "Explicit Quantization" in its documentation."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in network.graph.initializer}
    made_by = {name: node for node in network.graph.node for name in node.output}
    kinds = [node.op_type for node in network.graph.node]
    assert kinds.count("QuantizeLinear") > 50
    for node in network.graph.node:
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            zero_point = constants[node.input[2]]
            assert zero_point.dtype == np.int8
            assert not zero_point.any()
            assert (constants[node.input[1]] > 0).all()
        if node.op_type == "Conv" and node.input[1] in made_by:  # few may stay float
            assert made_by[node.input[0]].op_type == "DequantizeLinear"
            weights, scales, zero_points = (constants[name] for name in made_by[node.input[1]].input)
            assert weights.dtype == np.int8
            assert scales.shape == zero_points.shape == weights.shape[:1]
            assert np.abs(weights.astype(int)).max() <= 127
            assert constants[node.input[2]].dtype == np.float32
    assert {(entry.domain, entry.version <= 17) for entry in network.opset_import} <= {
        ("", True),
        ("ai.onnx.ml", True),
    }


def test_it_keeps_our_contract_and_carries_its_card(street: Path, network: Any) -> None:
    (image,), (logits,) = network.graph.input, network.graph.output
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert (logits.name, logits.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    inside = json.loads({entry.key: entry.value for entry in network.metadata_props}[METADATA_KEY])
    assert inside["precision"] == "int8"
    assert inside["files"] == {}
    assert inside["classes"] == list(read_card(street / CARD_FILE).classes)


def test_openvino_calculates_the_convolutions_in_int8(street: Path) -> None:
    core = openvino.Core()
    network = core.read_model(street / INT8_FILE)
    network.reshape([1, 352, 480, 3])
    compiled = core.compile_model(network, "CPU").get_runtime_model()
    infos = [node.get_rt_info() for node in compiled.get_ordered_ops()]
    convolutions = [info for info in infos if info["layerType"].astype(str) == "Convolution"]
    precisions = [info["runtimePrecision"].astype(str) for info in convolutions]
    assert len(precisions) > 50
    assert sum(name in {"i8", "u8"} for name in precisions) >= 0.85 * len(precisions), precisions


def test_onnx_runtime_fuses_most_convolutions_into_integer_ones(street: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(str(street / INT8_FILE), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    integer, others = kinds.count("QLinearConv"), kinds.count("Conv") + kinds.count("FusedConv")
    assert integer > 3 * others, (integer, others)


def test_the_folder_is_whole_and_its_card_lists_what_is_in_it(street: Path) -> None:
    names = {ONNX_FILE, INT8_FILE, WEIGHTS_FILE}
    assert {path.name for path in street.iterdir()} == names | {CARD_FILE}
    assert set(find_model(str(street), "int8").card.files) == names
    assert read_card(street / CARD_FILE).precision == "float32"


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_a_lone_int8_file_runs(street: Path, tmp_path: Path, precision: Any) -> None:
    lone = shutil.copy(street / INT8_FILE, tmp_path / "lone.onnx")
    with rtseg.load(str(lone), precision=precision) as segmenter:
        assert (segmenter.card.precision, segmenter.backend.precision) == ("int8", "int8")
        assert segmenter.infer(np.zeros((64, 64, 3), np.uint8)).shape == (4, 16, 16)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_a_lone_int8_file_runs_in_nothing_else(street: Path, precision: Any) -> None:
    with pytest.raises(ModelError, match="is int8, but float32 was asked for; run it with --precision int8"):
        rtseg.load(str(street / INT8_FILE), precision=precision)


def test_a_model_without_int8_network_names_the_way_to_one(little: Path) -> None:
    with pytest.raises(ModelError, match=r"has no int8 network; make one with `rtseg export --format int8"):
        rtseg.load(str(little), precision="int8")
    with pytest.raises(ModelError, match=r"is float32, but int8 was asked for; name its folder"):
        rtseg.load(str(little / ONNX_FILE), precision="int8")


def test_a_changed_int8_file_is_refused(street: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(street, tmp_path / "changed")
    with (folder / INT8_FILE).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=rf"{INT8_FILE}: is not the file that its card describes"):
        rtseg.load(str(folder), precision="int8")
    with rtseg.load(str(folder)) as segmenter:
        assert segmenter.card.precision == "float32"


def test_data_that_only_calibrated_is_named_with_its_licence(
    little: Path, write_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    data = write_data_set(tmp_path / "data")
    shutil.rmtree(data / "train" / "labels")  # of no matter here
    for _ in range(2):
        calibration = data_set_pictures(data, "train", 3)
        assert calibration.count == 3
        quantise_folder(little, calibration)
    named = [(each.name, each.license) for each in read_card(little / CARD_FILE).training_data]
    assert named == [("little (int8 calibration)", "MIT")]


def run(model: Any, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logits"], {"image": image[None]})[0])


def test_saturation_stands_for_the_relu_between_unpadded_convolutions(picture: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    model = a_chain((rng.normal(size=(16, 3, 1, 1)), True), (rng.normal(size=(4, 16, 1, 1)), False))
    image = picture((64, 64), 1)
    quantised = quantise(model, observe(model, [image]))
    expected, found = run(model, image), run(quantised, image)
    assert not [node for node in quantised.graph.node if node.op_type == "Relu"]
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()
    assert np.abs(found.mean(axis=(2, 3)) - expected.mean(axis=(2, 3))).max() < 0.01 * expected.std()


def test_a_channel_that_says_nothing_does_no_harm(picture: Callable[..., Any]) -> None:
    """Its weights are so small that its bias would not fit into an int32 at their scale."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(16, 3, 1, 1))
    first[3] *= 1e-30
    first[4] = 0
    model = a_chain((first, True), (rng.normal(size=(4, 16, 1, 1)), False))
    image = picture((64, 64), 1)
    expected, found = run(model, image), run(quantise(model, observe(model, [image])), image)
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()


def test_what_int8_spoils_stays_float(picture: Callable[..., Any]) -> None:
    """The second convolution lives on channels that are a thousand times weaker than their neighbour."""
    rng = np.random.default_rng(0)
    strength = np.array([1000.0, 1.0, 1.0])
    first = rng.normal(size=(3, 3, 1, 1)) * strength[:, None, None, None]
    second = rng.normal(size=(64, 3, 1, 1)) * np.array([0, 1, 1])[None, :, None, None]
    third, last = rng.normal(size=(512, 64, 1, 1)), rng.normal(size=(4, 512, 1, 1))
    model = a_chain((first, False), (second, True), (third, True), (last, False))
    frames = [picture((64, 64), seed) for seed in range(3)]
    statistics = observe(model, frames)
    all_int8 = run(quantise(model, statistics), frames[0]).argmax(axis=1)
    assert np.mean(all_int8 == run(model, frames[0]).argmax(axis=1)) < 0.9
    result = quantise_alike(model, statistics, frames, lambda done, total: None)
    assert result.agreement >= 0.98
    assert 1 <= result.stay_float <= 2


def test_where_int8_is_good_enough_nothing_else_is_tried() -> None:
    rng = np.random.default_rng(1)
    model = a_chain((rng.normal(size=(512, 3, 1, 1)), True), (rng.normal(size=(4, 512, 1, 1)), False))
    colours = rng.integers(0, 256, (4, 4, 3), np.uint8)
    frames = [np.kron(colours, np.ones((16, 16, 1), np.uint8))]
    tried: list[int] = []
    result = quantise_alike(model, observe(model, frames), frames, lambda done, total: tried.append(done))
    assert result.agreement >= ALIKE
    assert (result.stay_float, tried) == (0, [])


def test_the_command_writes_the_file_and_tells_its_path(
    rtseg: Callable[..., Any], little: Path, write_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    data, out = write_data_set(tmp_path / "data"), tmp_path / "a" / "b"
    options = ("--model", little, "--format", "int8", "--data", data, "--samples", 2, "-o", out)
    done = rtseg("export", *options)
    assert (done.code, done.out) == (0, f"{out / INT8_FILE}\n"), done.err
    assert "of model.onnx's size" in done.err
    assert find_model(str(out), "int8").onnx_path == out / INT8_FILE
    before = (out / INT8_FILE).read_bytes()
    refused = rtseg("export", *options)
    assert refused.code == 2
    assert "exists already; add -y" in refused.err
    assert (out / INT8_FILE).read_bytes() == before


@pytest.fixture
def data(write_data_set: Callable[..., Path], tmp_path: Path) -> Path:
    """A data set whose second training picture is none."""
    folder = write_data_set(tmp_path / "data")
    (folder / "train" / "images" / "01.png").write_text("dear diary")
    return folder


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--format int8", "name one of --data FOLDER and --demo NUMBER"),
        ("--format int8 --data {data} --demo 3", "--data and --demo each say which pictures calibrate"),
        ("--data {data}", "calibrate an int8 network; add --format int8"),
        ("--format int8 --data {model}", "no dataset.toml in it"),
        ("--format int8 --data {data} --split test", "no split 'test'; there are: train, val"),
        ("--format int8 --data {data}", "01.png: cannot be read as a picture"),
        ("--format int8 --demo 2 -o {data}/dataset.toml/x", "dataset.toml is a file, not a folder"),
    ],
)
def test_what_cannot_be_is_told_in_a_line_and_nothing_is_written(
    rtseg: Callable[..., Any], little: Path, data: Path, options: str, message: str
) -> None:
    before = {path.name: path.read_bytes() for path in little.iterdir()}
    outcome = rtseg("export", "--model", little, *options.format(data=data, model=little).split())
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert message in outcome.err.strip().splitlines()[-1]
    assert {path.name: path.read_bytes() for path in little.iterdir()} == before


def test_lone_files_are_refused(rtseg: Callable[..., Any], street: Path, tmp_path: Path) -> None:
    cardless = onnx.load(str(street / INT8_FILE))
    del cardless.metadata_props[:]
    onnx.save(cardless, str(tmp_path / "cardless.onnx"))
    for path, message in (
        (street / INT8_FILE, "is int8 already; name a model or its folder"),
        (street / ONNX_FILE, "is a lone file; name a model or its folder"),
        (tmp_path / "cardless.onnx", "carries no card"),
    ):
        outcome = rtseg("export", "--model", path, "--format", "int8", "--demo", 1)
        assert outcome.code == 2
        assert message in outcome.err


def test_a_missing_library_is_named_with_the_way_to_it(
    rtseg: Callable[..., Any], little: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("rtseg.export")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    outcome = rtseg("export", "--model", little, "--format", "int8", "--demo", 1)
    assert outcome.code == 2
    assert "needs the package 'onnx'" in outcome.err
    assert "pip install 'rtseg[train]'" in outcome.err


def test_eval_keeps_the_figures_of_both_networks(rtseg: Callable[..., Any], little: Path, data: Path) -> None:
    quantise_folder(little, data_set_pictures(data, "val", 2))
    for precision in ("int8", "f32"):
        assert rtseg("eval", "--model", little, "--data", data, "--precision", precision, "--card").code == 0
    assert [each.precision for each in read_card(little / CARD_FILE).metrics] == ["float32", "int8"]
    quantise_folder(little, data_set_pictures(data, "val", 2))
    assert [each.precision for each in read_card(little / CARD_FILE).metrics] == ["float32"]
