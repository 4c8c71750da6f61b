"""model.onnx to model.int8.onnx, calibrated with pictures.

What is quantised, and how, says rtseg.export.qdq.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from rtseg import preprocess
from rtseg.card import (
    CARD_FILE,
    INT8_FILE,
    METADATA_KEY,
    Model,
    ModelCard,
    TrainingData,
    describe_file,
    find_model,
)
from rtseg.errors import ModelError
from rtseg.export.calibration import CALIBRATION_ONLY, Calibration
from rtseg.export.parity import Gate
from rtseg.export.qdq import observe
from rtseg.export.reference import of_onnx, open_reference
from rtseg.export.sensitivity import Quantised, quantise_alike
from rtseg.frame import Frame, UInt8Array
from rtseg.video.outputs import check_output, write_file

_SILENT = 4
_CHECKED = 8  # frames that the int8 network is compared with the float one on

Progress = Callable[[str, int, int], None]
"""Called with what is done, how far that is, and how much there is to do."""


def find_float_model(name_or_path: str) -> Model:
    """The model that would be quantised. Raises ModelError for a lone file, also for one that is int8."""
    model = find_model(name_or_path)
    if Path(name_or_path).suffix == ".onnx":
        found = "int8 already" if model.card.precision == "int8" else "a lone file"
        raise ModelError(
            f"{name_or_path}: is {found}; name a model or its folder, where {INT8_FILE} goes beside "
            f"{model.onnx_path.name} and into the card"
        )
    return model


def check_folder(model: Model, out: Path, *, overwrite: bool) -> None:
    """Before any work: refuse to write over what is in the folder. Raises SinkError."""
    check_output(out / INT8_FILE, overwrite=overwrite)
    if not out.samefile(model.onnx_path.parent):
        check_output(out / CARD_FILE, overwrite=overwrite)


def quantize_model(
    model: Model, out: Path, calibration: Calibration, progress: Progress, gate: Gate | None = None
) -> Quantised:
    """Write model.int8.onnx into a folder that was checked, and enter it into the card there.

    out may be the model's own folder; into another one the rest of the model is copied. Raises ModelError for
    a network that is int8 already or that says something else than the model does once it is, DataError for a
    picture that cannot be read. Then nothing is written.
    """
    network = _prepare(model.onnx_path)
    checked: list[UInt8Array] = []
    frames = _network_inputs(model.card, calibration, partial(progress, "calibrating"))
    statistics = observe(network, _with_some_kept(frames, calibration.count, checked))
    result = quantise_alike(network, statistics, checked, partial(progress, "trying what stays float"))
    quantised = result.model
    card = model.card.model_copy(update={"training_data": _credits(model.card, calibration.source)})
    inside = card.without_files().model_copy(update={"precision": "int8"})
    quantised.producer_name = "rtseg"
    onnx.helper.set_model_props(quantised, {METADATA_KEY: inside.to_json()})
    onnx.checker.check_model(quantised, full_check=True)
    data = quantised.SerializeToString()

    folder = model.onnx_path.parent
    size = (card.input.width, card.input.height)
    (gate or Gate()).check(
        of_onnx(data, "int8 ONNX"),
        open_reference(folder, size),
        model=card.name,
        classes=card.classes,
        size=size,
        kind="int8",
        advice="calibrate with more pictures like those that it will see",
    )
    if not out.samefile(folder):
        for name in card.files:
            if name != INT8_FILE and (folder / name).is_file():
                shutil.copyfile(folder / name, out / name)
    write_file(out / INT8_FILE, data)
    files = {name: entry for name, entry in card.files.items() if (out / name).is_file()}
    files[INT8_FILE] = describe_file(out / INT8_FILE)
    # Figures of an int8 network were measured with the one that this replaces.
    metrics = tuple(metric for metric in card.metrics if metric.precision != "int8")
    card = card.model_copy(update={"files": files, "metrics": metrics})
    write_file(out / CARD_FILE, card.to_json().encode())
    return result


def _prepare(path: Path) -> Any:
    """The network with batch normalisation and padding folded into its convolutions."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = _SILENT
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        try:
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {reason}") from error
        network = onnx.load(options.optimized_model_filepath)
    if any(node.op_type == "QuantizeLinear" for node in network.graph.node):
        raise ModelError(f"{path}: is quantised already; export it again with `rtseg export --format onnx`")
    # ONNX Runtime lists all that it knows, which other programs need not know.
    used = {node.domain for node in network.graph.node}
    imports = [entry for entry in network.opset_import if entry.domain in used]
    del network.opset_import[:]
    network.opset_import.extend(imports)
    return network


def _network_inputs(
    card: ModelCard, calibration: Calibration, progress: Callable[[int, int], None]
) -> Iterator[UInt8Array]:
    """The pictures as the runtime shows them to the network."""
    area = card.input.width * card.input.height
    for done, picture in enumerate(calibration.pictures):
        progress(done, calibration.count)
        height, width = picture.shape[:2]
        size = preprocess.input_size((width, height), area, card.input.multiple)
        yield preprocess.network_input(Frame("bgr24", (picture,), index=done, captured_ns=0), size)
    progress(calibration.count, calibration.count)


def _with_some_kept(frames: Iterator[UInt8Array], count: int, kept: list[UInt8Array]) -> Iterator[UInt8Array]:
    """The frames, of which a few, taken evenly, are put into the list."""
    for number, frame in enumerate(frames):
        if number % -(-count // _CHECKED) == 0:
            kept.append(frame)
        yield frame


def _credits(card: ModelCard, source: TrainingData) -> tuple[TrainingData, ...]:
    """All data that the model knows of, this source among them."""
    learned_from = tuple(data for data in card.training_data if not data.name.endswith(CALIBRATION_ONLY))
    if source.name in {data.name for data in learned_from}:
        return learned_from
    return (*learned_from, TrainingData(name=source.name + CALIBRATION_ONLY, license=source.license))
