"""An ONNX graph by its convolutions: who reads what, and which ReLU belongs to which convolution."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper


class ConvGraph:
    """The nodes and constants of an onnx.GraphProto, which its methods change.

    convs are the two-dimensional convolutions of constant float32 weights, less those whose outputs are in
    left_out. activations maps the output of such a convolution to the ReLU or ReLU6 that alone reads it.
    """

    def __init__(self, proto: Any, left_out: Set[str] = frozenset()) -> None:
        self.proto = proto
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in proto.initializer
        }
        self.outputs = {value.name for value in proto.output}
        self.readers: dict[str, list[Any]] = {}
        for node in proto.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.convs = [
            node for node in proto.node if self._has_constant_kernel(node) and node.output[0] not in left_out
        ]
        self._conv_outputs = {conv.output[0] for conv in self.convs}
        self.activations = {
            name: self.readers[name][0]
            for name in self._conv_outputs
            if self.has_single_reader(name) and self._is_relu(self.readers[name][0])
        }

    def is_conv(self, node: Any) -> bool:
        return node.output[0] in self._conv_outputs

    def feeds_a_conv(self, name: str) -> bool:
        return any(self.is_conv(node) for node in self.readers.get(name, []))

    def feeds_unpadded_convs_only(self, name: str) -> bool:
        readers = self.readers.get(name, [])
        return name not in self.outputs and all(
            self.is_conv(node) and not _is_padded(node) for node in readers
        )

    def has_single_reader(self, name: str) -> bool:
        return len(self.readers.get(name, [])) == 1 and name not in self.outputs

    def weights(self, conv: Any) -> NDArray[np.float64]:
        """(C out, C in of its group, h, w)."""
        return self.constants[conv.input[1]].astype(np.float64)

    def bias(self, conv: Any) -> NDArray[np.float64]:
        """(C out,), zeros where it has none."""
        if len(conv.input) > 2 and conv.input[2]:
            return self.constants[conv.input[2]].astype(np.float64)
        return np.zeros(len(self.constants[conv.input[1]]))

    def remove(self, node: Any) -> None:
        """Take a node of one input out: its readers read that input."""
        for reader in self.readers.get(node.output[0], []):
            reader.input[:] = [node.input[0] if name == node.output[0] else name for name in reader.input]
        self.proto.node.remove(node)

    def add_constant(self, name: str, values: NDArray[Any]) -> None:
        self.proto.initializer.append(numpy_helper.from_array(values, name))

    def set_nodes(self, nodes: list[Any]) -> None:
        """Put these nodes in place of all, and drop the constants that none of them reads."""
        kept = [node.SerializeToString() for node in nodes]
        del self.proto.node[:]
        for data in kept:
            self.proto.node.add().ParseFromString(data)
        read = {name for node in self.proto.node for name in node.input}
        constants = [tensor for tensor in self.proto.initializer if tensor.name in read]
        del self.proto.initializer[:]
        self.proto.initializer.extend(constants)

    def _has_constant_kernel(self, node: Any) -> bool:
        weights = self.constants.get(node.input[1]) if node.op_type == "Conv" else None
        return weights is not None and weights.ndim == 4 and weights.dtype == np.float32

    def _is_relu(self, node: Any) -> bool:
        if node.op_type == "Clip" and len(node.input) > 1:
            return bool(self.constants.get(node.input[1], np.ones(())) == 0)
        return bool(node.op_type == "Relu")


def _is_padded(conv: Any) -> bool:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in conv.attribute}
    return any(attributes.get("pads", ())) or attributes.get("auto_pad", b"NOTSET") not in {
        b"NOTSET",
        b"VALID",
    }
