"""Keras weights to model.onnx, in a model folder."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import onnx

from rtseg.card import (
    CARD_FILE,
    INT8_FILE,
    METADATA_KEY,
    ONNX_FILE,
    WEIGHTS_FILE,
    ModelCard,
    describe_file,
    read_card,
)
from rtseg.export.calibration import CALIBRATION_ONLY
from rtseg.export.folders import output_folder
from rtseg.export.keeping import what_holds
from rtseg.export.parity import Gate
from rtseg.export.reference import of_keras, of_onnx
from rtseg.nets.resizing import SizeDependent
from rtseg.nets.saved import load_network
from rtseg.training.disk import writing
from rtseg.video.outputs import check_output, write_file

_LOG = logging.getLogger(__name__)
_AFTER_FULL_DISK = "export it again"


def export_onnx(
    folder: Path, out: Path, gate: Gate | None = None, tell: Callable[[str], None] = _LOG.warning
) -> ModelCard:
    """Write model.onnx from a folder with a card and Keras weights, as `rtseg train` leaves one.

    out may be the same folder; otherwise weights and card are copied there. Figures and an int8 network that
    the card speaks of stay in it where the network is the same; tell is called with what does not, in a line.

    Raises ModelError when the folder lacks a file, the weights do not fit the net of the card, or the ONNX
    says something else than Keras does: then what was in out is still there. Raises SinkError where out
    cannot be written to.
    """
    card = read_card(folder / CARD_FILE)
    # Built anew in float32 whatever precision it was trained in.
    keras.mixed_precision.set_global_policy("float32")
    network = load_network(folder)
    described = out if (out / CARD_FILE).is_file() else folder
    learned_from = tuple(data for data in card.training_data if not data.name.endswith(CALIBRATION_ONLY))
    card = card.model_copy(update={"parameters": network.count_params(), "training_data": learned_from})
    with output_folder(out):
        check_output(out / ONNX_FILE, overwrite=True)
        with writing(out / WEIGHTS_FILE, network.variables, then=_AFTER_FULL_DISK):
            with tempfile.TemporaryDirectory(dir=out) as unproven:
                path = Path(unproven) / ONNX_FILE
                write_onnx(network, path, card)
                (gate or Gate()).check(
                    of_onnx(path, "ONNX"),
                    of_keras(network),
                    model=card.name,
                    classes=card.classes,
                    size=(card.input.width, card.input.height),
                    kind="fp32",
                )
                kept = what_holds(described, out, path)
                path.replace(out / ONNX_FILE)
            # Written anew also in place: what a training saved holds the optimizer's state, four times the
            # size.
            network.save_weights(str(out / WEIGHTS_FILE))
        files = {file: describe_file(out / file) for file in (ONNX_FILE, WEIGHTS_FILE)}
        if kept.int8 is not None:
            files[INT8_FILE] = kept.int8
        card = card.model_copy(
            update={
                "files": files,
                "metrics": kept.metrics,
                "training_data": (*learned_from, *kept.calibrated_on),
            }
        )
        write_file(out / CARD_FILE, card.to_json().encode())
    if kept.dropped:
        tell(kept.dropped)
    return card


def write_onnx(network: keras.Model, path: Path, card: ModelCard) -> None:
    """Convert a network of fixed size to an ONNX file of any size, which carries the card.

    image (N, H, W, 3) uint8 RGB -> logits (N, C, H/s, W/s) float32, where s is the stride on the card.
    """
    # Planes of logits are what upsampling wants; the transpose cancels against one that conversion adds.
    planar = keras.layers.Permute((3, 1, 2), name="planar")(network.output)
    exported = keras.Model(network.input, planar)
    shape = network.input.shape
    exported(keras.ops.zeros((1, *shape[1:]), "uint8"))  # Keras exports no model never called
    # Traced with open size where a layer would keep the numbers of one; elsewhere a fixed one makes simpler
    # graphs, which still work at any.
    if any(isinstance(layer, SizeDependent) for layer in network.layers):
        shape = (None, None, None, 3)
    signature = [keras.InputSpec(shape=shape, dtype="uint8", name="image")]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the converter's own, about NumPy's old names
        converted_path = Path(folder) / "converted.onnx"
        exported.export(str(converted_path), format="onnx", verbose=False, input_signature=signature)
        model = onnx.load(str(converted_path))
        _open_dimensions(model.graph, card.output.stride)
        _renew_resizing(model.graph)
        del model.metadata_props[:]
        model.producer_name = "rtseg"
        onnx.helper.set_model_props(model, {METADATA_KEY: card.without_files().to_json()})
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(converted_path))
        converted_path.replace(path)


def _open_dimensions(graph: onnx.GraphProto, stride: int) -> None:
    """Every operator here works at any size (resizing is by a factor, or asks for it), so let it be free."""
    output = graph.output[0]
    for node in graph.node:
        node.output[:] = ["logits" if name == output.name else name for name in node.output]
    output.name = "logits"
    del graph.value_info[:]
    height, width = ("H", "W") if stride == 1 else (f"H/{stride}", f"W/{stride}")
    for value, axes in ((graph.input[0], {0: "N", 1: "H", 2: "W"}), (output, {0: "N", 2: height, 3: width})):
        for axis, label in axes.items():
            value.type.tensor_type.shape.dim[axis].dim_param = label


def _renew_resizing(graph: onnx.GraphProto) -> None:
    """Say "asymmetric", which means the same where sizes double; ONNX Runtime warns of the older word."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.s == b"tf_half_pixel_for_nn":
                attribute.s = b"asymmetric"
