"""Run a CUDA kernel on arrays, wherever: memory with margins that nothing may write to, any strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np
from standins.kernels_on_cpu import CpuKernels

from rtseg.backends.tensorrt.kernels import arguments
from rtseg.backends.tensorrt.kernels.arguments import AxisOnGpu, Call, Plane
from rtseg.backends.tensorrt.kernels.axes import Axis, resizing, upsampling
from rtseg.frame import Size

GUARD = 64


class Place(Protocol):
    """Where kernels run."""

    def put(self, array: np.ndarray) -> int:
        """The address of a contiguous array there."""

    def launch(self, call: Call) -> None: ...

    def fetch(self, array: np.ndarray) -> None:
        """Bring an array that was put there up to date."""


class OnCpu:
    """The kernels' own source, on the arrays themselves."""

    def __init__(self, kernels: CpuKernels) -> None:
        self._kernels = kernels

    def put(self, array: np.ndarray) -> int:
        return int(array.ctypes.data)

    def launch(self, call: Call) -> None:
        self._kernels.run(call.kernel, call.arguments, call.grid, arguments.BLOCK)

    def fetch(self, array: np.ndarray) -> None:
        pass


def run_input(place: Place, channels: Sequence[np.ndarray], matrix: np.ndarray, size: Size) -> np.ndarray:
    """Channels (H, W) uint8 of any strides -> (h, w, 3) uint8 of size (width, height)."""
    whole, rgb = _guarded(size[0] * size[1] * 3)
    axes = [resizing((channel.shape[1], channel.shape[0]), size) for channel in channels]
    there = [(_axis(place, across), _axis(place, down)) for across, down in axes]
    planes = [_plane(place, channel) for channel in channels]
    place.launch(arguments.input_call(planes, there, matrix, _address(place, rgb), size))
    _finish(place, whole)
    return rgb.reshape(size[1], size[0], 3)


def run_class_map(place: Place, logits: np.ndarray, size: Size) -> np.ndarray:
    """(C, h, w) float32 -> (H, W) uint8 of size (width, height)."""
    classes, height, width = logits.shape
    across, down = upsampling(width, size[0]), upsampling(height, size[1])
    there = _axis(place, across), _axis(place, down)
    pitch = arguments.map_pitch(size[0])
    whole, found = _guarded(pitch * size[1])
    place.launch(
        arguments.class_map_call(_address(place, logits), classes, there, _address(place, found), size)
    )
    _finish(place, whole)
    return found.reshape(size[1], pitch)[:, : size[0]]


def run_tint(
    place: Place,
    channels: np.ndarray,
    classes: np.ndarray,
    colors: np.ndarray,
    opacity: float,
    *,
    crisp: bool,
) -> np.ndarray:
    """channels (H, W, C) uint8 of any strides, class map (H, W), colours (256, 4) -> (H, W, C) uint8."""
    height, width, count = channels.shape
    pitched = np.full((height, arguments.map_pitch(width)), 255, np.uint8)
    pitched[:, :width] = classes
    whole, flat = _guarded(channels.size)
    tinted = flat.reshape(count, height, width)
    pairs = [(_plane(place, channels[..., c]), _plane(place, tinted[c])) for c in range(count)]
    before = channels.copy()
    colors = np.ascontiguousarray(colors)
    call = arguments.tint_call(
        _address(place, pitched), _address(place, colors), pairs, (width, height), opacity, crisp=crisp
    )
    place.launch(call)
    _finish(place, whole)
    np.testing.assert_array_equal(channels, before)
    return np.moveaxis(tinted, 0, -1)


def make_planes(size: Size, seed: int) -> tuple[np.ndarray, ...]:
    """Noise: Y (H, W), U and V (ceil(H/2), ceil(W/2)) uint8."""
    width, height = size
    rng = np.random.default_rng(seed)
    half = ((height + 1) // 2, (width + 1) // 2)
    return tuple(rng.integers(0, 256, shape, np.uint8) for shape in ((height, width), half, half))


def make_map(size: Size, classes: int, seed: int) -> np.ndarray:
    """(H, W) uint8: regions, and single pixels among them."""
    rng = np.random.default_rng(seed)
    blobs = rng.integers(0, classes, (max(1, size[1] // 9), max(1, size[0] // 9))).astype(np.uint8)
    found = cv2.resize(blobs, size, interpolation=cv2.INTER_NEAREST)
    alone = rng.random(found.shape) < 0.02
    found[alone] = rng.integers(0, classes, int(alone.sum()))
    return found


def _guarded(count: int) -> tuple[np.ndarray, np.ndarray]:
    whole = np.full(count + 2 * GUARD, 0xA5, np.uint8)
    return whole, whole[GUARD : GUARD + count]


def _finish(place: Place, whole: np.ndarray) -> None:
    place.fetch(whole)
    assert (whole[:GUARD] == 0xA5).all()
    assert (whole[-GUARD:] == 0xA5).all()


def _axis(place: Place, axis: Axis) -> AxisOnGpu:
    return AxisOnGpu(_address(place, axis.first), _address(place, axis.weights), axis.taps, axis.length)


def _plane(place: Place, channel: np.ndarray) -> Plane:
    return Plane(_address(place, channel), channel.strides[0], channel.strides[1])


def _address(place: Place, array: np.ndarray) -> int:
    """Of a view too: what owns its memory is put there."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return place.put(owner) + int(array.ctypes.data) - int(owner.ctypes.data)
