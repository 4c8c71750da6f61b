"""Blending a class map into a picture, and the legend: pure functions on planes and arrays.

Colours come as a palette, RGB or None a class; a class without a colour is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from rtseg.frame import ColorSpace, Frame, Size, UInt8Array
from rtseg.labels import Rgb
from rtseg.preprocess import yuv_to_rgb_matrix

Palette = Sequence[Rgb | None]
# Enough of the tint in the luma plane to tell colours apart, and all the detail of what lies under it.
_LUMA_SHARE = 0.35


def class_map_size(frame: Frame) -> Size:
    """The (width, height) of the class map that `blend` wants for a frame: that of the planes it tints."""
    plane = frame.planes[-1]
    return plane.shape[1], plane.shape[0]


def blend(frame: Frame, class_map: UInt8Array, palette: Palette, opacity: float) -> Frame:
    """The frame with its classes tinted, in its own pixel format, in new memory.

    class_map (h, w) uint8 has the size that `class_map_size` says. Of a YUV frame nothing is converted to
    RGB: the tint goes into the chroma planes, a quarter of the pixels each, and partly into luma.
    """
    if frame.pixel_format == "bgr24":
        return replace(frame, planes=(_blend_bgr(frame.planes[0], class_map, palette, opacity),))
    visible = _visible_mask(class_map, palette)
    colors = _table([color and rgb_to_yuv(color, frame.color) for color in palette])
    full_size = frame.size
    luma_map = cv2.resize(class_map, full_size, interpolation=cv2.INTER_NEAREST)
    luma_visible = cv2.resize(visible, full_size, interpolation=cv2.INTER_NEAREST)
    y, u, v = frame.planes
    planes = (
        _blend_plane(y, luma_map, luma_visible, colors[..., 0], opacity * _LUMA_SHARE),
        _blend_plane(u, class_map, visible, colors[..., 1], opacity),
        _blend_plane(v, class_map, visible, colors[..., 2], opacity),
    )
    return replace(frame, planes=planes)


def _blend_bgr(frame_bgr: UInt8Array, class_map: UInt8Array, palette: Palette, opacity: float) -> UInt8Array:
    colors = _table([color and color[::-1] for color in palette])
    tint = cv2.LUT(cv2.merge([class_map] * 3), colors)
    blended = cv2.addWeighted(frame_bgr, 1 - opacity, tint, opacity, 0)
    return np.asarray(cv2.copyTo(blended, _visible_mask(class_map, palette), frame_bgr.copy()), np.uint8)


def _blend_plane(
    plane: UInt8Array, class_map: np.ndarray, visible: np.ndarray, colors: np.ndarray, share: float
) -> UInt8Array:
    tint = cv2.LUT(class_map, np.ascontiguousarray(colors))
    cv2.addWeighted(plane, 1 - share, tint, share, 0, dst=tint)
    return np.asarray(cv2.copyTo(tint, visible, plane.copy()), np.uint8)


def _visible_mask(class_map: UInt8Array, palette: Palette) -> UInt8Array:
    table = np.array([0 if color is None else 255 for color in palette], np.uint8)
    return np.asarray(cv2.LUT(class_map, np.resize(table, 256)), np.uint8)


def rgb_to_yuv(color: Rgb, space: ColorSpace) -> tuple[int, ...]:
    """A colour in a video's own YUV, 0 to 255."""
    matrix = yuv_to_rgb_matrix(space)
    yuv = np.linalg.solve(matrix[:, :3], np.asarray(color, np.float32) - matrix[:, 3])
    return tuple(int(value) for value in np.clip(np.rint(yuv), 0, 255))


def draw_legend(picture_bgr: UInt8Array, classes: Sequence[str], palette: Sequence[Rgb]) -> None:
    """Write the classes with their colours into the lower left corner, in place; without the background."""
    height = picture_bgr.shape[0]
    unit = max(8, height // 40)
    entries = list(zip(classes, palette, strict=True))[1:]
    scale = unit / 24
    left, top = unit, height - unit - len(entries) * 2 * unit
    width = unit * 2 + max(
        (cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0] for name, _ in entries), default=0
    )
    panel = picture_bgr[max(0, top - unit // 2) :, : left + width + 2 * unit]
    cv2.convertScaleAbs(panel, dst=panel, alpha=0.4)
    for row, (name, (red, green, blue)) in enumerate(entries):
        y = top + row * 2 * unit
        cv2.rectangle(picture_bgr, (left, y), (left + unit, y + unit), (blue, green, red), cv2.FILLED)
        origin = (left + 2 * unit, y + unit)
        cv2.putText(
            picture_bgr, name, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (240, 240, 240), 1, cv2.LINE_AA
        )


def _table(colors: Sequence[tuple[int, ...] | None]) -> UInt8Array:
    """(1, 256, 3) for cv2.LUT."""
    table = np.zeros((1, 256, 3), np.uint8)
    for index, color in enumerate(colors):
        table[0, index] = color or 0
    return table
