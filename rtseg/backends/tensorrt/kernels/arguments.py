"""What the kernels are called with: one struct each, passed by value and laid out as pixels.h says.

Nothing in them changes from frame to frame, for the memory stays the same: so a call can be recorded once and
launched again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtseg.frame import ColorSpace, Size, UInt8Array
from rtseg.preprocess import yuv_to_rgb_matrix

Kernel = Literal["network_input", "class_map", "tint"]
Block = tuple[int, int, int]

BLOCK: Block = (32, 8, 1)
_QUAD = 4  # pixels that one thread of class_map does
_ADDRESS = np.uintp

_AXIS = np.dtype(
    [("first", _ADDRESS), ("weights", _ADDRESS), ("taps", np.int32), ("length", np.int32)], align=True
)
_PLANE = np.dtype([("pixels", _ADDRESS), ("pitch", np.int32), ("step", np.int32)], align=True)
LAYOUTS: dict[Kernel, np.dtype[Any]] = {
    "network_input": np.dtype(
        [
            ("planes", _PLANE, 3),
            ("across", _AXIS, 3),
            ("down", _AXIS, 3),
            ("matrix", np.float32, 12),
            ("rgb", _ADDRESS),
            ("width", np.int32),
            ("height", np.int32),
        ],
        align=True,
    ),
    "class_map": np.dtype(
        [
            ("logits", _ADDRESS),
            ("across", _AXIS),
            ("down", _AXIS),
            ("map", _ADDRESS),
            ("classes", np.int32),
            ("pitch", np.int32),
            ("width", np.int32),
            ("height", np.int32),
        ],
        align=True,
    ),
    "tint": np.dtype(
        [
            ("map", _ADDRESS),
            ("colors", _ADDRESS),
            ("planes", _PLANE, 3),
            ("tinted", _PLANE, 3),
            ("map_pitch", np.int32),
            ("channels", np.int32),
            ("width", np.int32),
            ("height", np.int32),
            ("opacity", np.float32),
            ("crisp", np.int32),
        ],
        align=True,
    ),
}


@dataclass(frozen=True)
class Plane:
    """One channel on the GPU: its address, and bytes from row to row and from pixel to pixel."""

    address: int
    pitch: int
    step: int = 1


@dataclass(frozen=True)
class AxisOnGpu:
    """The addresses of an Axis."""

    first: int
    weights: int
    taps: int
    length: int


@dataclass(frozen=True)
class Call:
    """A kernel, its struct and how many threads there are."""

    kernel: Kernel
    arguments: bytes
    grid: tuple[int, int]


def input_call(
    planes: Sequence[Plane],
    axes: Sequence[tuple[AxisOnGpu, AxisOnGpu]],
    matrix: NDArray[np.float32],
    rgb: int,
    size: Size,
) -> Call:
    """Three channels, each with its axes across and down -> (h, w, 3) uint8 RGB of size (width, height).

    matrix (3, 4) float32 makes RGB of the channels and 1.
    """
    values = {
        "planes": [_plane(each) for each in planes],
        "across": [_axis(across) for across, _ in axes],
        "down": [_axis(down) for _, down in axes],
        "matrix": matrix.ravel(),
        "rgb": rgb,
    }
    return _call("network_input", values, size)


def class_map_call(
    logits: int, classes: int, axes: tuple[AxisOnGpu, AxisOnGpu], class_map: int, size: Size
) -> Call:
    """(C, h, w) float32 -> class map of size (width, height) uint8, with rows `map_pitch` bytes apart."""
    across, down = axes
    values = {
        "logits": logits,
        "across": _axis(across),
        "down": _axis(down),
        "map": class_map,
        "classes": classes,
        "pitch": map_pitch(size[0]),
    }
    return _call("class_map", values, size, pixels=_QUAD)


def tint_call(
    class_map: int,
    colors: int,
    planes: Sequence[tuple[Plane, Plane]],
    size: Size,
    opacity: float,
    *,
    crisp: bool,
) -> Call:
    """Tint the first of each pair of planes into the second, both of size (width, height), as the map is.

    colors is the address of a table as `chroma_colors` and `bgr_colors` make them. crisp has the inner side
    of each region's border at full strength, as chroma planes do.
    """
    nowhere = Plane(0, 0, 0)
    padded = [*planes, *[(nowhere, nowhere)] * (3 - len(planes))]
    values = {
        "map": class_map,
        "colors": colors,
        "planes": [_plane(before) for before, _ in padded],
        "tinted": [_plane(after) for _, after in padded],
        "map_pitch": map_pitch(size[0]),
        "channels": len(planes),
        "opacity": opacity,
        "crisp": crisp,
    }
    return _call("tint", values, size)


def map_pitch(width: int) -> int:
    """Bytes from one row of a class map to the next: four pixels are written at once."""
    return -(-width // _QUAD) * _QUAD


def rgb_matrix(pixel_format: str, color: ColorSpace) -> NDArray[np.float32]:
    """(3, 4) float32 from a frame's channels and 1 to RGB."""
    if pixel_format == "bgr24":
        return np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    return yuv_to_rgb_matrix(color)


def chroma_colors(u_table: UInt8Array, v_table: UInt8Array) -> UInt8Array:
    """Tables (256,) of U and V by class, where a U of 0 is for what stays hidden -> colours (256, 4)."""
    return np.stack([u_table, v_table, np.zeros_like(u_table), u_table], axis=1)


def bgr_colors(palette: Sequence[tuple[int, int, int] | None]) -> UInt8Array:
    """RGB or None a class -> colours (256, 4)."""
    colors = np.zeros((256, 4), np.uint8)
    for index, color in enumerate(palette):
        if color is not None:
            colors[index] = *color[::-1], 255
    return colors


def _call(kernel: Kernel, values: dict[str, Any], size: Size, pixels: int = 1) -> Call:
    arguments = np.zeros((), LAYOUTS[kernel])
    for name, value in {**values, "width": size[0], "height": size[1]}.items():
        arguments[name] = value
    across, down = BLOCK[:2]
    return Call(kernel, arguments.tobytes(), (-(-size[0] // (across * pixels)), -(-size[1] // down)))


def _plane(plane: Plane) -> tuple[int, int, int]:
    return plane.address, plane.pitch, plane.step


def _axis(axis: AxisOnGpu) -> tuple[int, int, int, int]:
    return axis.first, axis.weights, axis.taps, axis.length
