"""A float32 ONNX to one that calculates in float16; its input and its logits stay as they are.

image (N, H, W, 3) uint8  ->  logits (N, C, H/s, W/s) float32
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rtseg.backends import INSTALL_TENSORRT
from rtseg.errors import BackendUnavailable, ModelError


def to_half(path: Path) -> bytes:
    """The same network in float16, serialised.

    Raises BackendUnavailable without the package onnx, ModelError for a file that is no float32 ONNX.
    """
    try:
        import onnx
    except ImportError as error:
        raise BackendUnavailable(
            f"fp16 needs the package 'onnx', which cannot be imported ({error}); install it with "
            f"`{INSTALL_TENSORRT}`, or use --precision fp32 or int8"
        ) from error
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's errors share no base with onnx's
        raise ModelError(f"{path}: is no ONNX file that can be loaded: {error}") from error
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise ModelError(
            f"{path}: is quantised; fp16 is made of a float32 network, use --precision int8 for this"
        )
    # Nothing is left in float32: a cast costs the GPU more than the rounding that it saves. What float16 can
    # not hold, the comparison with the float network finds.
    half = _converter()(model, keep_io_types=True, op_block_list=[], disable_shape_infer=True)
    onnx.checker.check_model(half, full_check=True)
    data: bytes = half.SerializeToString()
    return data


def _converter() -> Any:
    """ONNX Runtime's converter. Its package adds its folder to where Python looks modules up: undo that."""
    before = list(sys.path)
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
    finally:
        sys.path[:] = before
    return convert_float_to_float16
