"""What of a model's card still holds when its model.onnx is written anew.

Figures, and an int8 network, belong to one network. That is the same one where the same operators work on the
same numbers, whatever a conversion called them and whatever card is inside the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import numpy_helper

from rtseg.card import (
    CARD_FILE,
    INT8_FILE,
    ONNX_FILE,
    FileEntry,
    Metric,
    ModelCard,
    TrainingData,
    check_file,
    read_card,
)
from rtseg.errors import ModelError
from rtseg.export.calibration import CALIBRATION_ONLY


@dataclass(frozen=True)
class Kept:
    """What goes into the new card, and in a line what does not."""

    metrics: tuple[Metric, ...] = ()
    int8: FileEntry | None = None
    calibrated_on: tuple[TrainingData, ...] = ()
    dropped: str = ""


def what_holds(described: Path, out: Path, new: Path) -> Kept:
    """Of the card in a folder, for the network in the file new, which goes into the folder out."""
    path = described / CARD_FILE
    try:
        card = read_card(path)
    except ModelError as error:
        return Kept(dropped=f"Nothing was kept of what was there: {error}")
    if not card.metrics and INT8_FILE not in card.files:
        return Kept()
    if not _is_same(described, card, new):
        lost = [*(["its figures"] if card.metrics else []), *({INT8_FILE} & set(card.files))]
        return Kept(dropped=f"{path}: dropped {' and '.join(lost)}, made with another network than this one")
    if INT8_FILE not in card.files:
        return Kept(card.metrics)
    try:
        check_file(out / INT8_FILE, card)
    except ModelError:
        state = "is not what its card says" if (out / INT8_FILE).is_file() else f"is not in {out}"
        metrics = tuple(metric for metric in card.metrics if metric.precision != "int8")
        return Kept(metrics, dropped=f"{path}: dropped {INT8_FILE}, which {state}; --format int8 makes it")
    calibrated = tuple(data for data in card.training_data if data.name.endswith(CALIBRATION_ONLY))
    return Kept(card.metrics, card.files[INT8_FILE], calibrated)


def network_digest(path: Path) -> str:
    """Of what a network calculates, not of what its values are called."""
    graph = onnx.load(str(path)).graph
    known = {value.name: b"input %d" % index for index, value in enumerate(graph.input)}
    known |= {tensor.name: _tensor(tensor) for tensor in graph.initializer}
    for node in graph.node:  # sorted, as ONNX demands
        parts = [node.domain.encode(), node.op_type.encode()]
        for attribute in sorted(node.attribute, key=lambda each: each.name):
            is_tensor = attribute.type == onnx.AttributeProto.TENSOR
            parts += [attribute.name.encode()]
            parts += [_tensor(attribute.t) if is_tensor else attribute.SerializeToString(deterministic=True)]
        parts += [known.get(name, b"none") for name in node.input]
        for index, name in enumerate(node.output):
            known[name] = _digest(*parts, b"output %d" % index)
    return _digest(*(known[value.name] for value in graph.output)).hex()


def _is_same(described: Path, card: ModelCard, new: Path) -> bool:
    """Whether the network in the file new is the one that the card speaks of, which must be there."""
    try:
        check_file(described / ONNX_FILE, card)
        return network_digest(described / ONNX_FILE) == network_digest(new)
    except Exception:  # a file that is no ONNX is not this network either; its errors share no narrower base
        return False


def _tensor(tensor: onnx.TensorProto) -> bytes:
    array = numpy_helper.to_array(tensor)
    return _digest(str(array.dtype).encode(), str(array.shape).encode(), array.tobytes())


def _digest(*parts: bytes) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.digest()
