"""Blending a class map into a picture, and the legend: pure functions on planes and arrays.

Colours come as a palette, RGB or None a class; a class without a colour is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from rtseg.frame import ColorSpace, Frame, Size, UInt8Array
from rtseg.labels import Rgb
from rtseg.preprocess import yuv_to_rgb_matrix

Palette = Sequence[Rgb | None]
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_BAND_PIXELS = 1 << 16  # what is made of so many at a time stays in the cache


def class_map_size(frame: Frame) -> Size:
    """The (width, height) of the class map that `blend` wants for a frame: that of the planes it tints."""
    plane = frame.planes[-1]
    return plane.shape[1], plane.shape[0]


def blend(frame: Frame, class_map: UInt8Array, palette: Palette, opacity: float) -> Frame:
    """The frame with its classes tinted, in its own pixel format; shares with it the planes that stay.

    class_map (h, w) uint8 has the size that `class_map_size` says. Of a YUV frame nothing is converted to
    RGB: the tint goes into the chroma planes, a quarter of the pixels each, at full strength along the
    border of each region, so that it is crisp at any opacity. The luma plane with all its detail is passed on
    without so much as a copy. Nothing is written into the frame's own planes, for decoders refer to them.
    """
    rows = _visible_rows(class_map, palette)
    if opacity == 0 or rows is None:
        return frame
    if frame.pixel_format == "bgr24":
        return replace(frame, planes=(_blend_bgr(frame.planes[0], class_map, palette, opacity, rows),))
    tables = chroma_tables(tuple(palette), frame.color)
    u_tint, v_tint = (_look_up(class_map[rows], table) for table in tables)
    hidden = np.equal(u_tint, 0).view(np.uint8)
    # What is less than itself nearby is hidden or another region, so this is the inner side of a border.
    border = np.not_equal(u_tint, cv2.erode(u_tint, _NEIGHBOURS)).view(np.uint8)
    planes = [frame.planes[0]]
    for plane, tint in zip(frame.planes[1:], (u_tint, v_tint), strict=True):
        mixed = _copy_but(plane, rows)
        _mix(mixed[rows], plane[rows], tint, hidden, opacity)
        cv2.copyTo(tint, border, mixed[rows])
        planes.append(mixed)
    return replace(frame, planes=tuple(planes))


@lru_cache(maxsize=16)
def chroma_tables(palette: tuple[Rgb | None, ...], space: ColorSpace) -> tuple[UInt8Array, UInt8Array]:
    """Tables (256,) of U and V by class. A U of 0 is for what is not tinted, so no colour has less than 1."""
    u_table, v_table = np.zeros((2, 256), np.uint8)
    for index, color in enumerate(palette):
        if color is not None:
            _, u, v_table[index] = rgb_to_yuv(color, space)
            u_table[index] = max(1, u)
    return u_table, v_table


def _look_up(class_map: UInt8Array, table: np.ndarray) -> UInt8Array:
    return np.asarray(cv2.LUT(class_map, table), np.uint8)


def _blend_bgr(
    frame_bgr: UInt8Array, class_map: UInt8Array, palette: Palette, opacity: float, rows: slice
) -> UInt8Array:
    table = np.zeros((256, 4), np.uint8)
    for index, color in enumerate(palette):
        if color is not None:
            table[index] = *color[::-1], 255
    codes = table.view(np.int32)
    mixed = _copy_but(frame_bgr, rows)
    step = max(1, _BAND_PIXELS // frame_bgr.shape[1])
    for top in range(rows.start, rows.stop, step):
        band = slice(top, min(top + step, rows.stop))
        # A colour at a time, as the number that its four bytes are: thrice as fast as a table a channel.
        tint = np.asarray(cv2.LUT(class_map[band], codes))
        bgra = tint.view(np.uint8).reshape(*tint.shape[:2], 4)
        hidden = np.equal(bgra[..., 3], 0).view(np.uint8)
        _mix(mixed[band], frame_bgr[band], cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR), hidden, opacity)
    return mixed


def _mix(
    mixed: UInt8Array, plane: UInt8Array, tint: cv2.typing.MatLike, hidden: UInt8Array, share: float
) -> None:
    """Fill `mixed` with the plane, mixed with the tint where that is not hidden."""
    cv2.addWeighted(plane, 1 - share, tint, share, 0, dst=mixed)
    cv2.copyTo(plane, hidden, mixed)


def _copy_but(plane: UInt8Array, rows: slice) -> UInt8Array:
    """A copy in which these rows are yet to be filled in."""
    copy = np.empty(plane.shape, np.uint8)
    copy[: rows.start] = plane[: rows.start]
    copy[rows.stop :] = plane[rows.stop :]
    return copy


def _visible_rows(class_map: UInt8Array, palette: Palette) -> slice | None:
    """Rows outside of which nothing is tinted; with one more at each end, for borders to be found."""
    first = next((index for index, color in enumerate(palette) if color is not None), None)
    if first is None:
        return None
    found = np.flatnonzero(class_map.max(axis=1) >= first)
    return slice(max(0, int(found[0]) - 1), min(len(class_map), int(found[-1]) + 2)) if found.size else None


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
