"""The houses along the demo street, and the far skyline behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rtseg.labels import BACKGROUND
from rtseg.video.demo.canvas import NEAR_M, Canvas, FloatArray, Strokes, View, split_strokes
from rtseg.video.demo.light import Light
from rtseg.video.demo.world import PLOT_M, Street, Thing

_WALLS = np.array(
    [[(118, 138, 186), (152, 178, 206), (176, 196, 210), (96, 112, 158), (140, 152, 164)],
     [(196, 204, 208), (170, 190, 214), (186, 180, 170), (150, 176, 200), (206, 210, 204)],
     [(86, 98, 140), (98, 116, 164), (120, 128, 150), (76, 84, 122), (134, 152, 178)],
     [(188, 180, 170), (160, 156, 150), (198, 196, 190), (138, 134, 132), (170, 178, 184)]], dtype=np.float64,
)  # fmt: skip
_ROOFS = np.array([(70, 78, 128), (84, 82, 84), (62, 72, 104), (92, 88, 86)], dtype=np.float64)
_AWNINGS = np.array(
    [(60, 50, 150), (96, 112, 48), (150, 104, 52), (48, 128, 190), (70, 66, 66)], dtype=np.float64
)
_SILL = np.array((190.0, 194.0, 196.0))
_GLASS = np.array((58.0, 52.0, 46.0))
_LAMPLIGHT = np.array((120.0, 196.0, 244.0))

_STOREY_M = 3.1
_WINDOWS_M = 52.0  # beyond, single windows would be thinner than a pixel or two: a band stands for each row
_SILLS_M = 28.0
_BANDS_M = 130.0


@dataclass(frozen=True, eq=False)
class _House:
    """Faces in the order of drawing: corners (F, 4, 3), normals and albedo (F, 3), the rest (F,)."""

    corners: FloatArray
    normals: FloatArray
    albedo: FloatArray
    from_m: FloatArray
    until_m: FloatArray
    """A face is drawn while the house is this far away."""
    glass: FloatArray
    """How dark it must be for the lamp behind this pane to be lit; 9 for faces that are no glass."""


def _wall(side_m: float, alongs: tuple[float, float], ups: tuple[float, float]) -> FloatArray:
    return np.array([(side_m, ups[0], alongs[0]), (side_m, ups[0], alongs[1]),
                     (side_m, ups[1], alongs[1]), (side_m, ups[1], alongs[0])])  # fmt: skip


@lru_cache(maxsize=512)
def _house(thing: Thing, town: int) -> _House:
    d, sign = thing.looks, float(np.sign(thing.side_m))
    start, end = thing.along_m + (2.5 if d[1] < 0.35 else 0.0), thing.along_m + PLOT_M
    storeys = 2 + int(d[2] * (2.2 if town == 2 else 4.6))
    tall, side = 0.8 + _STOREY_M * storeys, thing.side_m + sign * 1.2 * (d[3] < 0.3)
    wall = _WALLS[town][int(d[4] * 5)]
    to_road, to_us, to_sky = (-sign, 0.0, 0.0), (0.0, 0.0, -1.0), (-0.55 * sign, 0.83, 0.0)
    back = side + sign * 11.0
    rows: list[tuple[FloatArray, tuple[float, ...], FloatArray, float, float, float]] = []

    def add(
        corners: FloatArray, normal: tuple[float, ...], albedo: FloatArray,
        *, from_m: float = 0.0, until_m: float = 1e3, glass: float = 9.0,
    ) -> None:  # fmt: skip
        rows.append((corners, normal, albedo, from_m, until_m, glass))

    # the sun stands ahead, so ends that face us are in the shade
    add(
        np.array([(side, 0, start), (back, 0, start), (back, tall, start), (side, tall, start)]),
        to_us,
        wall * 0.9,
    )
    add(_wall(side, (start, end), (0.0, tall)), to_road, wall)
    add(_wall(side, (start, end), (0.0, 0.55)), to_road, wall * 0.72, until_m=_BANDS_M)
    if d[6] < 0.6:
        eave, ridge = side - sign * 0.4, side + sign * 4.5
        add(np.array([(eave, tall, start - 0.3), (eave, tall, end), (ridge, tall + 3.2, end),
                      (ridge, tall + 3.2, start - 0.3)]), to_sky, _ROOFS[int(d[5] * 4)])  # fmt: skip
        peak = (ridge, tall + 3.2, start)
        add(np.array([(side, tall, start), peak, peak, (side + sign * 9.0, tall, start)]), to_us, wall * 0.9)
    else:
        add(_wall(side - sign * 0.25, (start, end), (tall - 0.35, tall + 0.25)), to_road, wall * 1.12)
    shop = d[7] < 0.4
    columns = 4 + int(d[8] * 3)
    wide = (0.42 + 0.3 * d[9]) * (end - start) / columns
    for floor in range(int(shop), storeys):
        low = floor * _STOREY_M + 1.3
        lamps = (
            (np.sin((np.arange(columns) + start) * 12.9 + floor * 78.2 + d[10] * 40.0) * 437.5) % 1.0 * 1.8
        )
        for column in range(columns):
            middle = start + (column + 0.5) * (end - start) / columns
            frame = (middle - 0.5 * wide, middle + 0.5 * wide)
            add(
                _wall(side, (frame[0] - 0.12, frame[1] + 0.12), (low - 0.16, low)),
                to_road,
                _SILL,
                until_m=_SILLS_M,
            )
            add(
                _wall(side, frame, (low, low + 1.65)),
                to_road,
                _GLASS,
                until_m=_WINDOWS_M,
                glass=float(lamps[column]),
            )
        band = _wall(side, (start + 0.8, end - 0.8), (low, low + 1.65))
        add(band, to_road, wall * 0.72, from_m=_WINDOWS_M, until_m=_BANDS_M)
    if shop:
        add(_wall(side, (start + 0.6, end - 0.6), (0.5, 2.5)), to_road, _GLASS, until_m=_BANDS_M, glass=0.5)
        cover = np.array([(side - sign * 1.1, 2.55, start + 0.4), (side - sign * 1.1, 2.55, end - 0.4),
                          (side, 3.15, end - 0.4), (side, 3.15, start + 0.4)])  # fmt: skip
        add(cover, to_sky, _AWNINGS[int(d[11] * 5)], until_m=_BANDS_M)
    corners, normals, albedo, from_m, until_m, glass = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return _House(corners, normals, albedo, from_m, until_m, glass)


def house_strokes(view: View, light: Light, town: int, things: Sequence[Thing]) -> list[Strokes]:
    """Houses made ready for the canvas, one for one."""
    if not things:
        return []
    houses = [_house(thing, town) for thing in things]
    depths = np.array([max(thing.along_m - view.eye_along_m, 2.0) for thing in things])
    owners = np.repeat(np.arange(len(houses)), [len(house.glass) for house in houses])
    depth = depths[owners]
    shown = np.concatenate([house.until_m for house in houses]) > depth
    shown &= np.concatenate([house.from_m for house in houses]) <= depth
    corners = np.concatenate([house.corners for house in houses])
    shown &= corners[..., 2].max(axis=1) > view.eye_along_m + NEAR_M
    keep: NDArray[np.intp] = np.flatnonzero(shown)
    pixels = view.project(corners[keep])
    inside = view.sees(pixels)
    keep, pixels = keep[inside], pixels[inside]

    owners, depth = owners[keep], depth[keep]
    colours = light.shade(
        np.concatenate([house.albedo for house in houses])[keep],
        np.concatenate([house.normals for house in houses])[keep], depth,
    )  # fmt: skip
    glass = np.concatenate([house.glass for house in houses])[keep]
    panes = glass < 9.0
    sky = 0.45 * light.sky_low + 0.2 * light.sky_top
    # a row of panes mirrors the sky now more, now less
    sheen = 0.24 + 0.16 * (glass[panes, None] * 3.7 % 1.0)
    colours[panes] = light.veil(_GLASS * light.ambient + sheen * sky, depth[panes])
    lit = glass < light.dark
    colours[lit] = light.veil(np.broadcast_to(_LAMPLIGHT, (int(lit.sum()), 3)), 0.5 * depth[lit])
    return split_strokes(pixels, colours, owners, len(houses), BACKGROUND)


def paint_skyline(canvas: Canvas, view: View, light: Light, street: Street, heading_rad: float) -> None:
    """Far hills and roofs, which only turn with the road and never come nearer."""
    steps = 140
    bearing = (
        np.linspace(-0.5 * view.size[0], 0.5 * view.size[0], steps) / view.focal_px * view.mirror
        + heading_rad
    )
    for layer, (high, tone, veil) in enumerate(((0.055, (110, 112, 96), 1.45), (0.030, (78, 98, 84), 0.85))):
        shift = street.seed % 97 + 3.1 * layer
        ridge = (
            np.sin(7.0 * bearing + shift)
            + 0.5 * np.sin(17.0 * bearing + 2.0 * shift)
            + 0.25 * np.sin(41.0 * bearing)
        )
        if street.town != 2 and layer == 1:  # roofs: a ridge in steps
            ridge = ridge * 0.6 + 1.6 * ((np.sin(np.floor(bearing * 36.0) * 12.9 + shift) * 437.5) % 1.0)
        up = high * (0.55 + 0.28 * ridge) * view.focal_px
        line = np.stack(
            [np.linspace(-1.0, view.size[0] + 1.0, steps), view.horizon_px - np.maximum(up, 0.0)], axis=1
        )
        floor = np.array([(view.size[0] + 1.0, view.horizon_px + 2.0), (-1.0, view.horizon_px + 2.0)])
        shade = light.soft(np.array([tone], dtype=np.float64), veil * light.visibility_m[None])[0]
        canvas.fill(np.concatenate([line, floor]), shade.tolist(), BACKGROUND)
