"""The ground of the demo scene: carriageway, markings, kerbs, pavements, shadows and the haze."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from rtseg.labels import BACKGROUND, ROAD
from rtseg.video.demo.actors import Person, Vehicle
from rtseg.video.demo.canvas import NEAR_M, Canvas, FloatArray, View
from rtseg.video.demo.light import Light
from rtseg.video.demo.meshes import size_m
from rtseg.video.demo.world import CROSSING_M, Roadside, Street, Thing, crossings, dice

_AHEAD_M = np.concatenate([[NEAR_M], np.geomspace(2.0, 390.0, 26)])
_PAVEMENTS = ((150, 160, 166), (158, 158, 156), (132, 146, 160), (164, 172, 176))
_LAWNS = ((62, 112, 86), (58, 104, 98), (72, 118, 82), (84, 122, 112))
_WHITE = (226.0, 230.0, 230.0)
_YELLOW = (58.0, 176.0, 222.0)
_SHADOW_STEP = 4  # shadows are soft, so a quarter of the resolution shows them well


def _ribbon(view: View, from_m: float, to_m: float, until_m: float = 400.0) -> FloatArray:
    """The strip of ground between two distances from the centre line, as one polygon."""
    ahead = np.minimum(_AHEAD_M, until_m) + view.eye_along_m
    first = np.stack([np.full_like(ahead, from_m), np.zeros_like(ahead), ahead], axis=1)
    second = first[::-1].copy()
    second[:, 0] = to_m
    return view.project(np.concatenate([first, second]))


def _plates(view: View, sides: FloatArray, alongs: FloatArray) -> FloatArray:
    """Flat quads between sides (N, 2) and alongs (N, 2), as polygons (N, 4, 2)."""
    corners = np.zeros((len(sides), 4, 3))
    corners[:, :, 0] = sides[:, [0, 1, 1, 0]]
    corners[:, :, 2] = alongs[:, [0, 0, 1, 1]]
    return view.project(corners)


def _dashes(street: Street, view: View, side_m: float, dash_m: float, period_m: float) -> FloatArray:
    start = (np.floor(view.eye_along_m / period_m) + np.arange(0, int(130 / period_m))) * period_m
    start = start[start + dash_m > view.eye_along_m + NEAR_M]
    alongs = np.stack([start, start + dash_m], axis=1)
    for _, middle in crossings(street, view.eye_along_m):
        alongs = alongs[(alongs[:, 1] < middle - 3.5) | (alongs[:, 0] > middle + 3.5)]
    return _plates(view, np.tile((side_m - 0.07, side_m + 0.07), (len(alongs), 1)), alongs)


def paint_ground(canvas: Canvas, view: View, light: Light, street: Street) -> None:
    """Everything flat, from the horizon down."""
    top = int(np.clip(np.floor(view.horizon_px), 0, view.size[1]))
    lawn = light.flat(_LAWNS[street.town])
    cv2.rectangle(canvas.picture, (0, top), view.size, lawn, cv2.FILLED)
    grey = street.asphalt
    asphalt = np.array((grey * 1.0, grey * 0.985, grey * 0.97))
    left, right = street.left, street.right
    for roadside in (left, right):
        _paint_pavement(canvas, view, light, street.town, roadside)
    canvas.fill(_ribbon(view, -left.edge_m, right.edge_m), light.flat(asphalt), ROAD)
    for roadside in (left, right):
        if roadside.parking_m:
            tone, label = (asphalt * 0.94, ROAD)
            if roadside.parking_paved:
                tone, label = np.array(_PAVEMENTS[(street.town + 2) % 4]) * (0.66, 0.74, 0.84), BACKGROUND
            strip = _ribbon(view, roadside.sign * roadside.edge_m, roadside.sign * roadside.kerb_m)
            canvas.fill(strip, light.flat(tone), label)
    _paint_wear(canvas, view, light, street, asphalt)
    _paint_markings(canvas, view, light, street)


def _paint_pavement(canvas: Canvas, view: View, light: Light, town: int, side: Roadside) -> None:
    slabs = np.array(_PAVEMENTS[town], dtype=np.float64)
    canvas.fill(
        _ribbon(view, side.sign * side.kerb_m, side.sign * side.pavement_end_m), light.flat(slabs), BACKGROUND
    )
    if side.garden_m == 0.0:
        beyond = _ribbon(view, side.sign * side.pavement_end_m, side.sign * (side.pavement_end_m + 14.0))
        canvas.fill(beyond, light.flat(slabs * 0.86), BACKGROUND)
    joints = (np.floor(view.eye_along_m / 3.0) + np.arange(0, 16)) * 3.0
    joints = joints[joints > view.eye_along_m + NEAR_M]
    sides = np.tile((side.sign * side.kerb_m, side.sign * side.pavement_end_m), (len(joints), 1))
    canvas.fill_all(_plates(view, sides, np.stack([joints, joints + 0.06], axis=1)), light.flat(slabs * 0.8))
    kerb = side.sign * side.kerb_m
    canvas.fill(_ribbon(view, kerb, kerb + side.sign * 0.12, 90.0), light.flat(slabs * 0.62), BACKGROUND)
    canvas.fill(
        _ribbon(view, kerb + side.sign * 0.12, kerb + side.sign * 0.34, 90.0),
        light.flat(slabs * 1.16),
        BACKGROUND,
    )


def _paint_wear(canvas: Canvas, view: View, light: Light, street: Street, asphalt: FloatArray) -> None:
    """Where wheels have polished the lanes, and where the road has been mended."""
    for lane in range(-street.oncoming_lanes, street.own_lanes):
        middle = (lane + 0.5) * street.lane_m
        for wheel in (-0.8, 0.8):
            track = _ribbon(view, middle + wheel - 0.28, middle + wheel + 0.28, 80.0)
            canvas.fill(track, light.flat(asphalt * 0.955), None)
    first = int(view.eye_along_m // 13.0)
    spots = [dice(street.seed, 200, first + i) for i in range(5)]
    chosen = [(i, d) for i, d in enumerate(spots) if d[0] < 0.5]
    if not chosen:
        return
    width = street.left.edge_m + street.right.edge_m
    sides = np.array(
        [(-street.left.edge_m + d[1] * (width - 3.0)) + np.array((0.3, 0.5 + 2.2 * d[2])) for _, d in chosen]
    )
    alongs = np.array(
        [(first + i + 0.6 * d[3]) * 13.0 + np.array((0.0, 0.6 + 4.0 * d[4])) for i, d in chosen]
    )
    canvas.fill_all(_plates(view, sides, alongs), light.flat(asphalt * 0.88))


def _paint_markings(canvas: Canvas, view: View, light: Light, street: Street) -> None:
    white = light.flat(_WHITE)
    centre = light.flat(_YELLOW) if street.yellow_centre else white
    for side in (street.left, street.right):
        edge = side.sign * (side.edge_m - 0.22)
        canvas.fill(_ribbon(view, edge - 0.06, edge + 0.06, 110.0), white, None)
    if street.oncoming_lanes and street.own_lanes + street.oncoming_lanes > 2:
        for offset in (-0.14, 0.14):
            canvas.fill(_ribbon(view, offset - 0.055, offset + 0.055, 110.0), centre, None)
    for lane in range(-street.oncoming_lanes + 1, street.own_lanes):
        if lane != 0:
            canvas.fill_all(_dashes(street, view, lane * street.lane_m, 3.0, 9.0), white)
        elif street.own_lanes + street.oncoming_lanes <= 2:
            canvas.fill_all(_dashes(street, view, 0.0, 4.0, 8.0), centre)
    kerbs = (-street.left.edge_m + 0.4, street.right.edge_m - 0.4)
    for _, middle in crossings(street, view.eye_along_m):
        if view.eye_along_m - CROSSING_M < middle < view.eye_along_m + 110.0:
            starts = np.arange(kerbs[0], kerbs[1] - 0.3, 1.0)
            stretch = np.tile((middle - 0.5 * CROSSING_M, middle + 0.5 * CROSSING_M), (len(starts), 1))
            canvas.fill_all(_plates(view, np.stack([starts, starts + 0.5], axis=1), stretch), white)
            kerb = 0.15 if street.oncoming_lanes else kerbs[0]
            stop = np.array([(middle - 4.4, middle - 4.05)])
            canvas.fill_all(_plates(view, np.array([(kerb, kerbs[1])]), stop), white)


_TURN = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_ROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_SQUARE = np.array([(-1.0, -1.0)] * 3 + [(1.0, -1.0)] * 3 + [(1.0, 1.0)] * 3 + [(-1.0, 1.0)] * 3)


def shadows(
    view: View, light: Light, vehicles: Sequence[Vehicle], people: Sequence[Person], things: Sequence[Thing]
) -> FloatArray:
    """The patches of ground that these leave in the shade, as polygons (N, 12, 3) in metres."""
    direction, eye = light.sun_direction, view.eye_along_m
    strength = min(2.0 * float(light.sun.max()), 1.0) / max(float(direction[1]), 0.35)
    lean = (-float(direction[0]) * strength, -float(direction[2]) * strength)
    patches: list[tuple[float, float, float, float, bool]] = []  # middle, half extent, whether it is round
    for thing in things:
        if thing.kind == "house" and lean[0] * thing.side_m < 0:
            half = 4.0 * lean[0]
            patches.append((thing.side_m + half, thing.along_m + 7.6, abs(half), 7.6, False))
        elif thing.kind == "tree" and eye + 1.0 < thing.along_m < eye + 80.0:
            patches.append((thing.side_m + 3.0 * lean[0], thing.along_m + 3.0 * lean[1], 1.9, 1.9, True))
    for vehicle in vehicles:
        width, height, length = size_m(vehicle.kind, vehicle.variant)
        for rise in (0.0, 0.3 * height):  # right below it, and cast by its body
            place = (vehicle.side_m + rise * lean[0], vehicle.along_m + rise * lean[1])
            patches.append((*place, 0.52 * width, 0.51 * length, False))
    for person in people:
        along = 0.9 if person.cycling else 0.38
        patches.append((person.side_m + 0.3 * lean[0], person.along_m + 0.3 * lean[1], 0.38, along, True))
    if not patches:
        return np.empty((0, 12, 3))
    table = np.array(patches)
    outline = (
        np.where(table[:, 4, None, None] > 0.5, _ROUND, _SQUARE) * table[:, None, 2:4] + table[:, None, :2]
    )
    return np.insert(outline, 1, 0.0, axis=2)


def paint_shadows(canvas: Canvas, view: View, light: Light, patches: FloatArray) -> None:
    """Darken the ground below these patches (N, K, 3), light it with our lamps, and put haze above it."""
    width, height = view.size
    top = int(np.clip(np.floor(view.horizon_px) + 1, 0, height - 1))
    small = (max(2, -(-width // _SHADOW_STEP)), max(2, -(-(height - top) // _SHADOW_STEP)))
    mask = np.zeros((small[1], small[0]), dtype=np.uint8)
    scale = np.array([small[0] / width, small[1] / (height - top)])
    full = round(255 * float(light.shadow))
    corners = view.project(patches)
    corners = (corners[view.sees(corners)] - (0.0, top)) * scale
    for corner in np.rint(np.clip(corners, -2e4, 2e4) * 16).astype(np.int32):
        cv2.fillConvexPoly(mask, corner, (full,), cv2.LINE_AA, 4)
    mask = np.asarray(cv2.blur(mask, (3, 3)), np.uint8)
    # shadows are bluish: the sky still lights them
    levels = np.arange(256)[:, None] / 255.0
    tint = np.clip(127.0 * (1.0 - levels * (0.80, 0.90, 1.0)), 0, 255).astype(np.uint8)
    factor = cv2.LUT(cv2.merge((mask, mask, mask)), tint[:, None])
    if light.dark > 0.3:
        cv2.add(factor, _headlights(view, small, top, float(light.dark)), dst=factor)
    ground = canvas.picture[top:]
    factor = cv2.resize(factor, (width, height - top), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(ground, factor, dst=ground, scale=1 / 127)

    below = np.arange(top, height) + 0.5 - view.horizon_px
    clear = np.exp(-view.focal_px * view.eye_up_m / np.maximum(below, 0.3) / float(light.visibility_m))
    clear = np.minimum(clear / 0.97, 1.0)  # close by the haze is too thin to be worth its pixels
    rows = int((clear < 1.0).sum())
    if rows:
        fade = (clear[:rows, None, None] * np.full(3, 255.0)).astype(np.uint8)
        veil = ((1.0 - clear[:rows, None, None]) * light.haze).astype(np.uint8)
        fade, veil = (cv2.resize(a, (width, rows), interpolation=cv2.INTER_NEAREST) for a in (fade, veil))
        far = ground[:rows]
        cv2.multiply(far, fade, dst=far, scale=1 / 255)
        cv2.add(far, veil, dst=far)


def _headlights(view: View, small: tuple[int, int], top: int, dark: float) -> cv2.typing.MatLike:
    """Our own lamps on the road: what to add to the shadow factors."""
    x = (np.arange(small[0]) / small[0] - 0.5)[None, :] * view.size[0] / view.focal_px
    down = (np.arange(small[1]) + 0.5)[:, None] * (view.size[1] - top) / small[1]
    ahead = np.minimum(view.focal_px * view.eye_up_m / down, 300.0)
    reach = np.exp(-(((ahead - 9.0) / 14.0) ** 2)) * np.exp(-((x / 0.42) ** 2))
    beam = (reach * 50.0 * dark).astype(np.uint8)
    return cv2.merge((cv2.convertScaleAbs(beam, alpha=0.68), cv2.convertScaleAbs(beam, alpha=0.88), beam))
