"""A float ONNX graph to one of int8 convolutions, by QuantizeLinear and DequantizeLinear pairs.

Weights are symmetric per output channel, activations symmetric per tensor, all zero points 0: what TensorRT
takes, and ONNX Runtime and OpenVINO too. A pair stands before each convolution, and behind one that has a
single reader; all else stays float32. What makes this accurate and quick:

- What is read in several places, as a residual is, only the convolutions read through a pair. Rounding it for
  all would add up from block to block, and keep ONNX Runtime on x86 from fusing the convolutions around it.
- Rounding a kernel carries the error from tap to tap, as error diffusion does in pictures: neighbouring
  pixels are alike, so the sum of a kernel matters more than each of its weights.
- Bias correction (Nagel et al. 2019, arXiv:1906.04721, section 4.2): what rounding the weights does to the
  mean of an output is taken from its bias.
- A pair between a convolution and its ReLU has the range of what the ReLU lets through, which costs nothing:
  rounding to a grid that holds zero and cutting off at zero may change places.
- Where only unpadded convolutions follow a ReLU, int8's own saturation is the ReLU. The bias before it moves
  0 to top onto -128 to 127, the biases behind it take that back: all 8 bits are used, and a step is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from rtseg.export.conv_graph import ConvGraph
from rtseg.frame import UInt8Array

_SILENT = 4
_STEPS = 127
_ALL_STEPS = 255
_SHIFT = 128
_LEAST_RANGE = 1e-6
_BIAS_STEPS = 2.0**30  # of an int32 that a runtime rounds a bias to, with room for its correction


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a tensor (N, C, H, W) held over all calibration frames."""

    largest: float
    """Largest absolute value."""
    top: float
    """Largest value."""
    mean: NDArray[np.float64]
    """(C,)"""


class _Plan(NamedTuple):
    """Which tensors get a pair."""

    scales: dict[str, float]
    shifted: dict[str, str]
    """Tensors whose pair replaces the ReLU behind them, with that ReLU's output."""

    def shift(self, name: str) -> float:
        """What stands for zero in a tensor's pair."""
        return _SHIFT * self.scales[name] if name in self.shifted else 0.0


class _Rounded(NamedTuple):
    """A convolution's int8 weights (C out, C in, h, w), their scales (C out,) and its float bias (C out,)."""

    levels: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]


def observe(model: Any, frames: Iterable[UInt8Array]) -> dict[str, Statistics]:
    """Run frames (H, W, 3) uint8 RGB through the float model; the statistics that `quantise` needs."""
    graph = ConvGraph(model.graph)
    tensors = sorted(
        {name for conv in graph.convs for name in (conv.input[0], conv.output[0])}
        | {node.output[0] for node in graph.activations.values()}
    )
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    for name in tensors:
        watched.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = open_session(watched)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in tensors}
    for image in frames:
        for name, values in zip(tensors, session.run(tensors, {"image": image[None]}), strict=True):
            planes = values[0].reshape(values.shape[1], -1)
            found[name].append(np.stack([planes.min(axis=1), planes.max(axis=1), planes.mean(axis=1)]))
    return {name: _statistics(np.stack(each)) for name, each in found.items()}


def open_session(model: Any) -> Any:
    """An ONNX Runtime session on the CPU that says nothing."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def quantise(model: Any, statistics: Mapping[str, Statistics], stay_float: Set[str] = frozenset()) -> Any:
    """The same model with int8 convolutions, but for those whose outputs are in stay_float.

    Its tensors get short names, for the file's sake.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = ConvGraph(result.graph, stay_float)
    plan = _make_plan(graph, statistics)
    for name, activation in graph.activations.items():
        if name in plan.shifted:
            graph.remove(activation)
        elif activation.op_type == "Clip":  # whose upper bound is the end of the pair's range
            activation.op_type = "Relu"
            del activation.input[1:]
    rounded = {conv.output[0]: _round_conv(graph, conv, plan, statistics) for conv in graph.convs}
    _insert_pairs(graph, plan, rounded)
    _shorten_names(result.graph)
    return result


def _statistics(found: NDArray[np.float32]) -> Statistics:
    """Of the minimum, maximum and mean of each channel, (frames, 3, C)."""
    lowest, top = float(found[:, 0].min()), float(found[:, 1].max())
    return Statistics(largest=max(top, -lowest), top=top, mean=found[:, 2].mean(axis=0, dtype=np.float64))


def _make_plan(graph: ConvGraph, statistics: Mapping[str, Statistics]) -> _Plan:
    plan = _Plan({}, {})
    for name, activation in graph.activations.items():
        after = activation.output[0]
        top = max(statistics[after].top, _LEAST_RANGE)
        if graph.feeds_unpadded_convs_only(after):
            plan.scales[name] = top / _ALL_STEPS
            plan.shifted[name] = after
            continue
        plan.scales[name] = top / _STEPS
        if graph.feeds_a_conv(after):
            plan.scales[after] = plan.scales[name]
    for conv in graph.convs:
        for name in (conv.input[0], conv.output[0]):
            wanted = graph.feeds_a_conv(name) or graph.has_single_reader(name)
            if wanted and name not in plan.scales and name not in plan.shifted.values():
                plan.scales[name] = max(statistics[name].largest, _LEAST_RANGE) / _STEPS
    return plan


def _round_conv(graph: ConvGraph, conv: Any, plan: _Plan, statistics: Mapping[str, Statistics]) -> _Rounded:
    weights, bias = graph.weights(conv), graph.bias(conv)
    source = conv.input[0]
    shift_in, shift_out = plan.shift(source), plan.shift(conv.output[0])
    # Runtimes round the bias to int32, in steps of the product of both scales: it must fit also where the
    # weights of a channel are next to nothing.
    reach = np.abs(bias) + shift_out + shift_in * np.abs(weights).sum(axis=(1, 2, 3))
    scale = np.abs(weights).max(axis=(1, 2, 3)) / _STEPS
    scale = np.maximum(scale, reach / (_BIAS_STEPS * plan.scales[source]))
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    steps = scale[:, None, None, None].astype(np.float64)
    levels = _round_kernels(weights / steps)

    mean = statistics[plan.shifted.get(source, source)].mean
    groups = len(mean) // weights.shape[1]
    means = np.repeat(mean.reshape(groups, -1), len(weights) // groups, axis=0)  # (C out, C in of its group)
    bias += ((weights - levels * steps).sum(axis=(2, 3)) * means).sum(axis=1)
    bias += shift_in * (levels * steps).sum(axis=(1, 2, 3)) - shift_out
    return _Rounded(levels.astype(np.int8), scale, bias.astype(np.float32))


def _round_kernels(kernels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C out, C in, h, w) to whole numbers of int8's range, each kernel's error carried from tap to tap."""
    taps = kernels.reshape(*kernels.shape[:2], -1)
    levels = np.empty_like(taps)
    carry = np.zeros(taps.shape[:2])
    for tap in range(taps.shape[2]):
        wanted = taps[..., tap] + carry
        levels[..., tap] = np.clip(np.rint(wanted), -_STEPS, _STEPS)
        carry = wanted - levels[..., tap]
    return levels.reshape(kernels.shape)


def _insert_pairs(graph: ConvGraph, plan: _Plan, rounded: Mapping[str, _Rounded]) -> None:
    graph.add_constant("zero", np.zeros((), np.int8))
    nodes: list[Any] = []
    for node in graph.proto.node:
        output = node.output[0]
        for number, name in enumerate(node.input):
            if name in plan.scales and (graph.is_conv(node) or graph.has_single_reader(name)):
                node.input[number] = f"{name}_dequantised"
        if output in rounded:
            nodes.append(_give_weights(graph, node, rounded[output]))
        nodes.append(node)
        if output in plan.scales:
            graph.add_constant(f"{output}_scale", np.array(plan.scales[output], np.float32))
            ends = [f"{output}_scale", "zero"]
            pair = f"{output}_quantised", f"{output}_dequantised"
            nodes.append(helper.make_node("QuantizeLinear", [output, *ends], [pair[0]]))
            nodes.append(helper.make_node("DequantizeLinear", [pair[0], *ends], [pair[1]]))
    graph.set_nodes(nodes)


def _give_weights(graph: ConvGraph, conv: Any, rounded: _Rounded) -> Any:
    """Let a convolution read its int8 weights; -> the node that dequantises them."""
    name = conv.output[0]
    levels, scale, zeros, bias, weights = (
        f"{name}_{part}" for part in ("levels", "scales", "zeros", "bias", "weights")
    )
    graph.add_constant(levels, rounded.levels)
    graph.add_constant(scale, rounded.scale)
    graph.add_constant(zeros, np.zeros(len(rounded.scale), np.int8))
    graph.add_constant(bias, rounded.bias)
    conv.input[:] = [conv.input[0], weights, bias]
    return helper.make_node("DequantizeLinear", [levels, scale, zeros], [weights], axis=0)


def _shorten_names(proto: Any) -> None:
    """Each name of a tensor is in the file several times; of a small net that is a tenth."""
    names = {value.name: value.name for value in (*proto.input, *proto.output)} | {"": ""}

    def short(name: str) -> str:
        return str(names.setdefault(name, f"t{len(names)}"))

    for tensor in proto.initializer:
        tensor.name = short(tensor.name)
    for node in proto.node:
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
    del proto.value_info[:]
