"""An ONNX file to TensorRT's network, checked against our contract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorrt as trt

from rtseg.backends.contract import check_contract
from rtseg.backends.tensorrt.cuda import INSTEAD
from rtseg.backends.tensorrt.journal import JOURNAL
from rtseg.backends.tensorrt.library import logger, version
from rtseg.errors import BackendUnavailable, ModelError
from rtseg.export.engine.request import BuildRequest


@dataclass(frozen=True, eq=False)
class Parsed:
    """A network; the parser holds its weights, so both live until it is built."""

    network: trt.INetworkDefinition
    parser: trt.OnnxParser


def open_builder() -> trt.Builder:
    """Raises BackendUnavailable where TensorRT and the driver do not go together."""
    JOURNAL.clear()
    try:
        return trt.Builder(logger())
    except (TypeError, RuntimeError) as error:  # what its binding raises for a null pointer
        raise BackendUnavailable(
            f"TensorRT {version()} cannot start with this driver ({JOURNAL.last_error()}); install a newer "
            f"driver or the TensorRT that belongs to it, {INSTEAD}"
        ) from error


def parse(builder: trt.Builder, request: BuildRequest) -> Parsed:
    """Raises ModelError, which names the node that TensorRT does not know."""
    network = builder.create_network(_creation_flags(request))
    parser = trt.OnnxParser(network, logger())
    if (native := trt.OnnxParserFlag.__members__.get("NATIVE_INSTANCENORM")) is not None:
        parser.set_flag(native)
    if not parser.parse_from_file(str(request.onnx_path)):
        raise ModelError(_parse_error(parser, request))
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    check_contract(
        request.source,
        inputs={tensor.name: _sides(tensor) for tensor in inputs},
        outputs={tensor.name: _sides(tensor) for tensor in outputs},
        classes=request.classes,
    )
    return Parsed(network, parser)


def _creation_flags(request: BuildRequest) -> int:
    names = ["EXPLICIT_BATCH"]  # 8.6 needs it, 10 ignores it, 11 does not have it
    if request.typing == "strong":
        names.append("STRONGLY_TYPED")
    members = trt.NetworkDefinitionCreationFlag.__members__
    flags = 0
    for name in names:
        if (member := members.get(name)) is not None:
            flags |= 1 << int(member)
    return flags


def _sides(tensor: trt.ITensor) -> list[object]:
    return [side if side >= 0 else "open" for side in tensor.shape]


def _parse_error(parser: trt.OnnxParser, request: BuildRequest) -> str:
    path, found = request.source, f"TensorRT {version()}"
    if parser.num_errors == 0:
        return f"{path}: {found} cannot read it ({JOURNAL.last_error()}); export it again, {INSTEAD}"
    error = parser.get_error(0)
    reason = " ".join(error.desc().split()) or "it does not say why"
    node = _node(error, request.onnx_path)
    others = f", and {parser.num_errors - 1} more" if parser.num_errors > 1 else ""
    return f"{path}: {found} cannot take {node} ({reason}){others}; change the net, {INSTEAD}"


def _node(error: trt.ParserError, path: Path) -> str:
    """The node in words. From TensorRT 10 on an error names it; 8.6 gives its number."""
    name = _ask(error, "node_name")
    operator = _ask(error, "node_operator")
    if not name and not operator:
        name, operator = _look_up(path, error.node())
    if operator:
        return f"node {name!r}, operator {operator}" if name else f"operator {operator}"
    return f"node {name!r}" if name else f"node number {error.node()}"


def _ask(error: Any, name: str) -> str:
    method = getattr(error, name, None)
    return str(method() or "") if method is not None else ""


def _look_up(path: Path, number: int) -> tuple[str, str]:
    try:
        import onnx
    except ImportError:
        return "", ""
    nodes = onnx.load(str(path), load_external_data=False).graph.node
    if not 0 <= number < len(nodes):
        return "", ""
    node = nodes[number]
    return str(node.name or (node.output[0] if node.output else "")), str(node.op_type)
