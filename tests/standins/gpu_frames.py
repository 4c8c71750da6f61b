"""Batches and frames for the TensorRT backend, and what it must make of them: a test aid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import kernel_reference as reference
import numpy as np

from rtseg.backends import Backend, open_backend
from rtseg.backends.tensorrt.kernels import arguments
from rtseg.card import ONNX_FILE
from rtseg.frame import ColorSpace, Frame, Size

if TYPE_CHECKING:
    from rtseg.backends.tensorrt.backend import TensorRtBackend

SIZE = (64, 64)


def opened(model: Path, **options: Any) -> TensorRtBackend:
    return cast("TensorRtBackend", open_backend("tensorrt", model / ONNX_FILE, classes=4, **options))


def batch_of(seed: int, count: int = 1, size: Size = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size[1], size[0], 3), np.uint8)


def yuv_frame(size: Size, seed: int, color: ColorSpace | None = None) -> Frame:
    rng = np.random.default_rng(seed)
    half = ((size[1] + 1) // 2, (size[0] + 1) // 2)
    planes = tuple(rng.integers(0, 256, shape, np.uint8) for shape in (size[::-1], half, half))
    return Frame("yuv420p", planes, seed, 0, color=color or ColorSpace())


def bgr_frame(size: Size, seed: int) -> Frame:
    picture = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Frame("bgr24", (picture,), seed, 0)


def expected(frame: Frame, map_size: Size, cpu: Backend) -> tuple[np.ndarray, np.ndarray]:
    """What the GPU's way must give, by NumPy and ONNX Runtime."""
    planes = frame.planes
    channels = [planes[0][..., c] for c in range(3)] if len(planes) == 1 else planes
    image = reference.network_input(channels, arguments.rgb_matrix(frame.pixel_format, frame.color), SIZE)
    logits = cpu.infer(image[None])[0]
    return logits, reference.class_map(logits, map_size)
