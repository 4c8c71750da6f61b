"""Measures a Keras graph: multiply-accumulates, and which pixels one output can depend on.

A graph is walked call by call, a call being one use of a layer. Tensors are (N, H, W, C) with H and W known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from keras import layers

from rtseg.nets.resizing import AverageBins, StretchTo

_PHASES = 32
"""So many neighbouring outputs are followed: over more than the deepest stride, what they see repeats."""

_WINDOWS = (
    layers.AveragePooling2D,
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.MaxPooling2D,
    layers.SeparableConv2D,
)
_WHOLE = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, AverageBins)
_POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Dense,
    layers.Dropout,
    layers.Normalization,
    layers.ReLU,
    layers.Rescaling,
)
_POINTWISE_OPERATIONS = {"GetItem", "Take"}
"""Channels reordered by keras.ops, which makes its classes known by name alone."""


@dataclass(frozen=True)
class ReceptiveField:
    """The square of input pixels that one output can depend on; its centre counts far more than its rim."""

    pixels: int
    """Its side, through convolutions and pooling of fixed windows."""
    whole_picture: bool
    """Whether pooling over the whole picture adds all the rest, however large the picture is."""


def calls_between(inputs: Iterable[Any], outputs: Iterable[Any]) -> list[Any]:
    """The calls that make the outputs from the inputs, each after those that it builds on."""
    ordered: list[Any] = []
    seen = {id(tensor) for tensor in inputs}
    waiting = [(tensor, False) for tensor in outputs]
    while waiting:
        tensor, is_built = waiting.pop()
        operation, index, _ = tensor._keras_history
        call = operation._inbound_nodes[index]
        if is_built:
            ordered.append(call)
        elif id(tensor) not in seen:
            seen.update(map(id, call.output_tensors))
            waiting.append((tensor, True))
            waiting += [(each, False) for each in inputs_of(call)]
    return ordered


def inputs_of(call: Any) -> list[Any]:
    """The tensors whose values a call makes use of; of what it stretches to, StretchTo wants but the size."""
    tensors: list[Any] = call.input_tensors
    return tensors[:1] if isinstance(call.operation, StretchTo) else tensors


def layers_of(calls: Iterable[Any]) -> list[layers.Layer]:
    """The layers that are called, each once."""
    operations = {id(call.operation): call.operation for call in calls}
    return [each for each in operations.values() if isinstance(each, layers.Layer)]


def macs(call: Any) -> int:
    """Multiply-accumulates of a convolution or dense layer for one picture; 0 for layers without a kernel.

    Biases, normalisation, activations and resizing do not count, as in the figures that papers give. Raises
    NotImplementedError for a layer with a kernel that is neither.
    """
    layer, (x, *_), (y, *_) = call.operation, call.input_tensors, call.output_tensors
    if isinstance(layer, layers.Conv2DTranspose):
        places, kernels = x.shape[1:3], [layer.kernel]
    elif isinstance(layer, layers.SeparableConv2D):
        places, kernels = y.shape[1:3], [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
        places, kernels = y.shape[1:-1], [layer.kernel]
    elif any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ())):
        raise NotImplementedError(f"{layer.name}: no rule for the cost of {type(layer).__name__}")
    else:
        return 0
    weights = sum(prod(kernel.shape) for kernel in kernels)
    return int(prod(places) * weights)


def receptive_field(image: Any, output: Any) -> ReceptiveField:
    """Follow outputs in the middle of the picture back to the pixels that they can depend on.

    Exact also where strides meet skips and upsampling, and neighbouring outputs see squares of different
    sizes: the largest counts. For stacks of convolutions alone it is the well-known sum (Araujo et al. 2019,
    doi:10.23915/distill.00021). What would lie beyond the picture's edges counts too.

    Raises NotImplementedError for a layer that it does not know.
    """
    calls = calls_between([image], [output])
    spans = [_seen(calls, image, output, axis, phase) for axis in (1, 2) for phase in range(_PHASES)]
    return ReceptiveField(
        pixels=max(last - first + 1 for first, last in spans),
        whole_picture=any(isinstance(call.operation, _WHOLE) for call in calls),
    )


def _seen(calls: Sequence[Any], image: Any, output: Any, axis: int, position: int) -> tuple[int, int]:
    """First and last pixel of the image that the output at this position can depend on, along one axis."""
    spans = {id(output): (position, position)}
    for call in reversed(calls):
        reached = [spans[id(tensor)] for tensor in call.output_tensors if id(tensor) in spans]
        if not reached or isinstance(call.operation, _WHOLE):
            continue
        span = _looks_at(call, axis, min(first for first, _ in reached), max(last for _, last in reached))
        for tensor in inputs_of(call):
            first, last = spans.get(id(tensor), span)
            spans[id(tensor)] = min(first, span[0]), max(last, span[1])
    return spans.get(id(image), (0, -1))  # no pixel, where only what is pooled reaches the output


def _looks_at(call: Any, axis: int, first: int, last: int) -> tuple[int, int]:
    """The span of a call's inputs that its outputs from first to last are made of."""
    layer = call.operation
    if isinstance(layer, _POINTWISE) or type(layer).__name__ in _POINTWISE_OPERATIONS:
        return first, last
    if isinstance(layer, layers.ZeroPadding2D):
        before, _ = layer.padding[axis - 1]
        return first - before, last - before
    if isinstance(layer, (*_WINDOWS, layers.Conv2DTranspose)):
        return _windowed(call, axis, first, last)
    if isinstance(layer, StretchTo) or getattr(layer, "interpolation", None) == "bilinear":
        return _stretched(call, axis, first, last)
    if isinstance(layer, layers.UpSampling2D) and layer.interpolation == "nearest":
        return first // layer.size[axis - 1], last // layer.size[axis - 1]
    raise NotImplementedError(f"{layer.name}: no rule for what {type(layer).__name__} sees")


def _windowed(call: Any, axis: int, first: int, last: int) -> tuple[int, int]:
    """Of convolutions, of pooling, and of transposed convolutions, which are convolutions backwards."""
    layer, along = call.operation, axis - 1
    size = getattr(layer, "pool_size", None) or layer.kernel_size
    stride, dilation = layer.strides[along], getattr(layer, "dilation_rate", (1, 1))[along]
    reach = (size[along] - 1) * dilation  # from the first to the last input of a window
    backwards = isinstance(layer, layers.Conv2DTranspose)
    lengths = call.output_tensors[0].shape[axis], call.input_tensors[0].shape[axis]
    windows, length = reversed(lengths) if backwards else lengths
    before = max((windows - 1) * stride + reach + 1 - length, 0) // 2 if layer.padding == "same" else 0
    if backwards:
        return math.ceil((first + before - reach) / stride), (last + before) // stride
    return first * stride - before, last * stride - before + reach


def _stretched(call: Any, axis: int, first: int, last: int) -> tuple[int, int]:
    """Of bilinear resizing: the two inputs whose centres lie around that of an output."""
    outputs, inputs = call.output_tensors[0].shape[axis], call.input_tensors[0].shape[axis]
    first_centre, last_centre = ((each + 0.5) * inputs / outputs - 0.5 for each in (first, last))
    return math.floor(first_centre), math.ceil(last_centre)
