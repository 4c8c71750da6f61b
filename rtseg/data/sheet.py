"""Sheets of pictures to look at: samples with their truth, or what a net makes of them.

tiles, RGB with captions  ->  one picture (H, W, 3) RGB uint8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import cv2
import numpy as np

from rtseg.frame import Frame, UInt8Array
from rtseg.labels import IGNORE, Rgb, members
from rtseg.overlay import Palette, blend

_GAP: Final = 6
_CAPTION: Final = 18
_PAPER: Final[Rgb] = (32, 32, 32)
_INK: Final[Rgb] = (225, 225, 225)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE: Final = 0.4
# Ignored pixels: two greys in stripes, which no class has.
_STRIPES: Final = {IGNORE - 1: (90, 90, 90), IGNORE: (200, 200, 200)}
_STRIPES_A_PICTURE: Final = 48


@dataclass(frozen=True, eq=False)
class Tile:
    """A rendered picture (H, W, 3) RGB uint8, and what stands below it."""

    image: UInt8Array
    caption: str = ""


LegendEntry = tuple[str, Sequence[Rgb]]
"""What a colour means, or colours in stripes."""


def contact_sheet(
    tiles: Sequence[Tile],
    columns: int,
    *,
    tile_width: int = 320,
    legend: Sequence[LegendEntry] = (),
) -> UInt8Array:
    """Lay tiles out in rows, all shrunk or grown into cells of one size, under a legend -> (H, W, 3) RGB.

    A cell has the middle one of the tiles' proportions; a tile of others keeps its own inside it.
    """
    heights = sorted(tile_width * tile.image.shape[0] / tile.image.shape[1] for tile in tiles)
    cell_height = max(1, round(heights[len(heights) // 2]))
    cells = [_cell(tile, tile_width, cell_height) for tile in tiles]
    blank = np.full_like(cells[0], _PAPER)
    columns = min(columns, len(cells))
    rows = zip_longest(*[iter(cells)] * columns, fillvalue=blank)
    sheet = np.vstack([np.hstack(row) for row in rows])
    sheet = np.pad(sheet, ((0, 0), (_GAP, 0), (0, 0)), constant_values=_PAPER[0])
    top = _legend(legend, sheet.shape[1]) if legend else sheet[:0]
    return np.vstack([top, sheet])


def blended(
    image_rgb: UInt8Array, class_map: UInt8Array, palette: Palette, *, opacity: float = 0.5
) -> UInt8Array:
    """The picture (H, W, 3) with the classes of a class map (H, W) tinted -> (H, W, 3) RGB, new memory.

    Classes whose colour is None or black are left as they are. Ignored pixels get grey stripes, and merged
    labels stripes in the colours of their classes.
    """
    colors: list[Rgb | None] = [color if color and any(color) else None for color in palette]
    colors += [None] * (256 - len(colors))
    for label, grey in _STRIPES.items():
        colors[label] = grey
    shown = _striped(class_map, len(palette))
    frame = Frame("bgr24", (np.ascontiguousarray(image_rgb[..., ::-1]),), index=0, captured_ns=0)
    return np.ascontiguousarray(blend(frame, shown, colors, opacity).planes[0][..., ::-1])


def legend_of(classes: Sequence[str], palette: Sequence[Rgb]) -> list[LegendEntry]:
    """What `blended` shows, for a sheet's legend: the classes that are tinted, and ignored pixels."""
    tinted = [(name, [color]) for name, color in zip(classes, palette, strict=True) if any(color)]
    return [*tinted, ("ignored", list(_STRIPES.values()))]


def _striped(class_map: UInt8Array, classes: int) -> UInt8Array:
    """The class map with diagonal stripes in place of what is no class: its possible classes in turn."""
    height, width = class_map.shape
    period = max(2, round(max(height, width) / _STRIPES_A_PICTURE))
    stripe = np.add.outer(np.arange(height), np.arange(width)) // period
    shown = class_map.copy()
    for label in np.unique(class_map[class_map >= classes]).tolist():
        turns = members(label, classes) or tuple(_STRIPES)
        mask = class_map == label
        shown[mask] = np.array(turns, np.uint8)[stripe[mask] % len(turns)]
    return np.asarray(shown, np.uint8)


def _cell(tile: Tile, width: int, height: int) -> UInt8Array:
    image_height, image_width = tile.image.shape[:2]
    scale = min(width / image_width, height / image_height)
    size = max(1, round(image_width * scale)), max(1, round(image_height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    image = cv2.resize(tile.image, size, interpolation=interpolation)
    cell = np.full((height + _CAPTION + _GAP, width + _GAP, 3), _PAPER, np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    cell[top : top + size[1], left : left + size[0]] = image
    caption = tile.caption
    while caption and cv2.getTextSize(caption, _FONT, _FONT_SCALE, 1)[0][0] > width:
        caption = caption[:-1]
    _write(cell, caption, (0, height + _CAPTION - 5))
    return cell


def _legend(entries: Sequence[LegendEntry], width: int) -> UInt8Array:
    bar = np.full((_CAPTION + 2 * _GAP, width, 3), _PAPER, np.uint8)
    left = _GAP
    stripe = np.add.outer(np.arange(_CAPTION), np.arange(_CAPTION)) // (_CAPTION // 3)
    for name, colors in entries:
        swatch = np.array(colors, np.uint8)[stripe % len(colors)]
        room = bar[_GAP : _GAP + _CAPTION, left : left + _CAPTION]
        room[:] = swatch[:, : room.shape[1]]
        left += _CAPTION + _GAP
        _write(bar, name, (left, _GAP + _CAPTION - 5))
        left += cv2.getTextSize(name, _FONT, _FONT_SCALE, 1)[0][0] + 3 * _GAP
    return bar


def _write(picture: UInt8Array, text: str, origin: tuple[int, int]) -> None:
    cv2.putText(picture, text, origin, _FONT, _FONT_SCALE, _INK, 1, cv2.LINE_AA)
