"""Decoded PyAV frames of any pixel format to 8-bit planes 4:2:0, and what their colours mean.

Usual formats are brought there plane by plane, which takes a quarter of libswscale's time or less:
yuv420p is not touched at all, of 4:2:2 and 4:4:4 only the chroma, of more than 8 bits each plane once.
"""

from __future__ import annotations

import re

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from rtseg.frame import ColorSpace, Matrix, Size, UInt8Array

_PLANAR = re.compile(r"yuvj?4(?:20|22|40|44)p(\d+le)?")
_GREY = re.compile(r"gray(\d+le)?")
_NEUTRAL = 128
# ITU-T H.273, MatrixCoefficients. SMPTE 240M (7) is BT.709 but for the third decimal; BT.2020 of constant
# luminance (10) is no matrix, and nearest to the one that is.
_MATRICES: dict[int, Matrix] = {
    1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020",
}  # fmt: skip
SWSCALE_MATRICES: dict[Matrix, Colorspace] = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    # PyAV has it from 18.0 on, which is not for Python 3.10: older ones take BT.601, a little off in hue.
    "bt2020": getattr(Colorspace, "BT2020", Colorspace.ITU601),
}
# Matrix, primaries and transfer of each standard as H.273 numbers them: 6 is SMPTE 170M, 14 BT.2020.
_STANDARDS: dict[Matrix, tuple[int, int, int]] = {
    "bt601": (6, 6, 6),
    "bt709": (1, 1, 1),
    "bt2020": (9, 9, 14),
}
_UNTAGGED = 2
_RESERVED = {0, _UNTAGGED, 3}
_HIGH_DEFINITION = 720


def planes_of(frame: VideoFrame) -> tuple[tuple[UInt8Array, ...], ColorSpace]:
    """Y (H, W), U and V (ceil(H/2), ceil(W/2)) uint8, and what they mean.

    They may be views of the decoder's memory, and keep the frame alive.
    """
    name = frame.format.name
    color = color_space(frame)
    if _PLANAR.fullmatch(name):
        half = ((frame.width + 1) // 2, (frame.height + 1) // 2)
        y, u, v = (_plane(frame, number) for number in range(3))
        return (y, _halved(u, half), _halved(v, half)), color
    if len(frame.format.components) == 1 and not frame.format.has_palette:
        # By itself, libswscale takes all grey for full range, whatever its tag says.
        grey = _plane(frame if _GREY.fullmatch(name) else frame.reformat(format="gray"), 0)
        neutral = np.full(((frame.height + 1) // 2, (frame.width + 1) // 2), _NEUTRAL, np.uint8)
        return (grey, neutral, neutral), color
    is_rgb = frame.format.is_rgb
    color_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
    # Said in full, for PyAV's versions differ in what they leave to libswscale to guess.
    planar = frame.reformat(
        format="yuv420p",
        src_color_range=None if is_rgb else color_range,
        dst_color_range=color_range,
        src_colorspace=SWSCALE_MATRICES[color.matrix],
        dst_colorspace=SWSCALE_MATRICES[color.matrix],
        threads=1,
    )
    return tuple(_plane(planar, number) for number in range(3)), color


def color_space(frame: VideoFrame) -> ColorSpace:
    """What the frame's tags say of its colours, and where they say nothing, what players take for granted."""
    if frame.format.is_rgb:
        return ColorSpace("bt601")
    if frame.colorspace == _UNTAGGED:  # the size tells, as all players do it
        matrix: Matrix = "bt709" if frame.height >= _HIGH_DEFINITION else "bt601"
    else:
        matrix = _MATRICES.get(frame.colorspace, "bt601")
    _, primaries, transfer = _STANDARDS[matrix]
    is_grey = len(frame.format.components) == 1
    full_range = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return ColorSpace(
        matrix,
        full_range or (is_grey and frame.color_range != ColorRange.MPEG),
        None if frame.color_primaries in _RESERVED | {primaries} else int(frame.color_primaries),
        None if frame.color_trc in _RESERVED | {transfer} else int(frame.color_trc),
    )


def tags(color: ColorSpace) -> tuple[int, int, int]:
    """What `color_space` reads: matrix, primaries and transfer by ITU-T H.273."""
    matrix, primaries, transfer = _STANDARDS[color.matrix]
    return matrix, color.primaries or primaries, color.transfer or transfer


def _plane(frame: VideoFrame, number: int) -> UInt8Array:
    """One plane, without a copy if it has 8 bits; the array keeps the frame's memory alive."""
    plane = frame.planes[number]
    bits = frame.format.components[number].bits
    dtype = np.uint8 if bits == 8 else np.dtype("<u2")
    memory = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]
    rows = memory.reshape(-1, plane.line_size).view(dtype)[: plane.height, : plane.width]
    if bits == 8:
        array: UInt8Array = rows
        return array
    return np.asarray(cv2.convertScaleAbs(rows, alpha=1 / (1 << (bits - 8))), np.uint8)


def _halved(chroma: UInt8Array, half: Size) -> UInt8Array:
    """A chroma plane at this size (width, height), by averages along each side that is longer."""
    height, width = chroma.shape
    if (width, height) == half:
        return chroma
    columns, rows = 1 + (width > half[0]), 1 + (height > half[1])
    if width % columns or height % rows:
        down, right = -height % rows, -width % columns
        chroma = np.asarray(cv2.copyMakeBorder(chroma, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    if columns == 1:  # ten times as fast as resizing along one side
        return np.asarray(cv2.addWeighted(chroma[::2], 0.5, chroma[1::2], 0.5, 0), np.uint8)
    return np.asarray(cv2.resize(chroma, half, interpolation=cv2.INTER_AREA), np.uint8)
