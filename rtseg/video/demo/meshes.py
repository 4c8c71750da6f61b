"""The bodies of the demo scene's cars, vans, trucks and buses.

A mesh stands with the middle of its underside at the origin and points along the road; metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rtseg.video.demo.canvas import FloatArray

PAINT, GLASS, TRIM, RUBBER, RIM, TAIL, HEAD, PLATE, CARGO = range(9)
_CORNERS = 14

Size3 = tuple[float, float, float]
"""Width, height and length in metres."""


@dataclass(frozen=True)
class Face:
    """corners (N, 3), seen from outside in one turning sense; fine faces are left out when far away."""

    corners: FloatArray
    material: int
    fine: bool = False


@dataclass(frozen=True, eq=False)
class Mesh:
    """corners (F, 14, 3), padded by the last corner; normals (F, 3); material (F,)."""

    corners: FloatArray
    normals: FloatArray
    material: NDArray[np.intp]


def _normal(corners: FloatArray) -> FloatArray:
    following = np.roll(corners, -1, axis=0)
    normal = np.cross(corners, following).sum(axis=0)
    return np.asarray(normal / max(float(np.linalg.norm(normal)), 1e-9))


def _outward(corners: FloatArray, inside: FloatArray, material: int, fine: bool = False) -> Face:
    if _normal(corners) @ (corners.mean(axis=0) - inside) < 0:
        corners = corners[::-1]
    return Face(corners, material, fine)


def _prism(profile: list[tuple[float, float, float]], material: int) -> list[Face]:
    """A body from its convex side view, points (along, up, half width): two sides and a strip an edge."""
    points = np.array(profile)
    right = np.stack([points[:, 2], points[:, 1], points[:, 0]], axis=1)
    left = right * (-1, 1, 1)
    inside = np.concatenate([left, right]).mean(axis=0)
    strips = [
        _outward(np.array([left[i], right[i], right[j], left[j]]), inside, material)
        for i, j in ((i, (i + 1) % len(points)) for i in range(len(points)))
    ]
    return [_outward(left, inside, material), _outward(right, inside, material), *strips]


def _strip(a: tuple[float, float, float], b: tuple[float, float, float]) -> FloatArray:
    """The quad between two profile points: left and right at a, then right and left at b."""
    return np.array([(-a[2], a[1], a[0]), (a[2], a[1], a[0]), (b[2], b[1], b[0]), (-b[2], b[1], b[0])])


def _patch(
    quad: FloatArray, across: tuple[float, float], up: tuple[float, float], material: int, fine: bool = False
) -> Face:
    """A part of a quad, by shares of its width and of its height."""
    (u0, u1), (v0, v1) = across, up
    low = quad[0] + np.outer((u0, u1), quad[1] - quad[0])
    high = quad[3] + np.outer((u0, u1), quad[2] - quad[3])
    corners = np.array([low[0] + v0 * (high[0] - low[0]), low[1] + v0 * (high[1] - low[1]),
                        low[1] + v1 * (high[1] - low[1]), low[0] + v1 * (high[0] - low[0])])  # fmt: skip
    return _outward(corners, np.array([0.0, 0.6, 0.0]), material, fine)


def _pair(
    quad: FloatArray, across: tuple[float, float], up: tuple[float, float], material: int
) -> list[Face]:
    """A patch on the left and its mirror image on the right."""
    mirrored = (1.0 - across[1], 1.0 - across[0])
    return [_patch(quad, across, up, material), _patch(quad, mirrored, up, material)]


def _wheels(half: float, alongs: tuple[float, ...], radius: float) -> tuple[list[Face], list[Face]]:
    """What is seen below the body from the ends, and the discs at the sides."""
    ends, discs = [], []
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    for along in alongs:
        for sign in (-1.0, 1.0):
            for reach in (-0.8 * radius, 0.8 * radius):
                low = (sign * (half - 0.24), 0.0, along + reach)
                high = (sign * (half - 0.02), 1.3 * radius, along + reach)
                quad = np.array([low, (high[0], low[1], low[2]), high, (low[0], high[1], low[2])])
                ends.append(_outward(quad, np.array([0.0, radius, along]), RUBBER))
            for size, material, fine in ((1.22, TRIM, True), (1.0, RUBBER, False), (0.62, RIM, True)):
                rim = size * radius
                flank = np.full(_CORNERS, sign * (half + 0.01))
                disc = np.stack([flank, radius + rim * np.sin(turn), along + rim * np.cos(turn)], axis=1)
                if size > 1.0:  # the arch ends where the body does
                    disc[:, 1] = np.maximum(disc[:, 1], 0.8 * radius)
                discs.append(_outward(disc, np.array([0.0, radius, along]), material, fine))
    return ends, discs


def _side_windows(profile: list[tuple[float, float, float]], pillars: int) -> list[Face]:
    """Glass in the sides of a cabin with the side view (low rear, high rear, high front, low)."""
    faces = []
    (a0, u0, h0), (a1, u1, h1), (b1, _, _), (b0, _, _) = profile
    for sign in (-1.0, 1.0):
        quad = np.array([(sign * h0, u0, a0), (sign * h0, u0, b0), (sign * h1, u1, b1), (sign * h1, u1, a1)])
        step = 0.9 / pillars
        for i in range(pillars):
            start = 0.05 + i * step
            faces.append(_patch(quad, (start + 0.015, start + step - 0.015), (0.08, 0.86), GLASS))
    return faces


def _car(size: Size3, boot: float, bonnet: float, rake: float) -> list[Face]:
    width, height, length = size
    half, low, belt = 0.5 * width, 0.24, 0.60 * height
    rear, front = -0.5 * length, 0.5 * length
    p = [(rear + 0.10, low, half * 0.96), (rear, 0.52, half), (rear + 0.07, belt, half * 0.95),
         (front - bonnet, belt, half * 0.95), (front - 0.16, belt - 0.2, half * 0.9),
         (front, 0.48, half * 0.96), (front - 0.10, low, half * 0.94)]  # fmt: skip
    c = [(rear + boot, belt - 0.02, half * 0.94), (rear + boot + rake, height, half * 0.72),
         (front - bonnet - 0.75, height, half * 0.72),
         (front - bonnet + 0.1, belt - 0.02, half * 0.94)]  # fmt: skip
    tail, apron = _strip(p[1], p[2]), _strip(p[0], p[1])
    nose, chin = _strip(p[5], p[4]), _strip(p[6], p[5])
    ends, discs = _wheels(half, (rear + 0.78, front - 0.85), 0.32)
    return [
        *ends, *_prism(p, PAINT),
        _patch(apron, (0.04, 0.96), (0.0, 0.55), TRIM, True),
        _patch(tail, (0.36, 0.64), (0.25, 0.6), PLATE, True),
        *_pair(tail, (0.02, 0.24), (0.3, 0.85), TAIL),
        _patch(chin, (0.1, 0.9), (0.1, 0.75), TRIM, True),
        _patch(nose, (0.32, 0.68), (0.1, 0.6), TRIM, True),
        _patch(chin, (0.38, 0.62), (0.8, 1.0), PLATE, True),
        *_pair(nose, (0.03, 0.28), (0.2, 0.85), HEAD),
        *discs, *_prism(c, PAINT), *_side_windows(c, 2),
        _patch(_strip(c[0], c[1]), (0.07, 0.93), (0.14, 0.9), GLASS),
        _patch(_strip(c[3], c[2]), (0.06, 0.94), (0.08, 0.92), GLASS),
    ]  # fmt: skip


def _box(size: Size3, low: float, slope: float, at: float) -> list[Face]:
    """A painted box whose front leans back by slope, from its rear end `at`."""
    width, height, length = size
    half, front = 0.5 * width, at + length
    return _prism(
        [(at, low, half), (at, height, half * 0.97), (front - slope, height, half * 0.97),
         (front, 0.45 * height, half), (front, low, half)], PAINT,
    )  # fmt: skip


def _van(size: Size3) -> list[Face]:
    width, height, length = size
    half, rear, front = 0.5 * width, -0.5 * length, 0.5 * length
    back = _strip((rear, 0.3, half), (rear, height, half * 0.97))
    face = _strip((front, 0.3, half), (front, 0.45 * height, half))
    screen = _strip((front, 0.45 * height, half), (front - 0.9, height, half * 0.97))
    cabin = [(front - 1.9, 0.5 * height, half), (front - 1.9, height * 0.92, half * 0.98),
             (front - 0.85, height * 0.92, half * 0.98), (front - 0.1, 0.5 * height, half)]  # fmt: skip
    ends, discs = _wheels(half, (rear + 0.95, front - 0.95), 0.34)
    return [
        *ends, *_box(size, 0.3, 0.9, rear), *discs, *_side_windows(cabin, 1),
        *_pair(back, (0.10, 0.47), (0.55, 0.88), GLASS),
        *_pair(back, (0.0, 0.09), (0.22, 0.5), TAIL),
        _patch(back, (0.0, 1.0), (0.0, 0.09), TRIM, True),
        _patch(back, (0.495, 0.505), (0.1, 0.95), TRIM, True),
        _patch(back, (0.38, 0.62), (0.16, 0.22), PLATE, True),
        _patch(screen, (0.05, 0.95), (0.08, 0.85), GLASS),
        _patch(face, (0.25, 0.75), (0.5, 0.8), TRIM, True),
        *_pair(face, (0.03, 0.2), (0.5, 0.85), HEAD),
    ]  # fmt: skip


def _truck(size: Size3) -> list[Face]:
    width, height, length = size
    half, rear, front = 0.5 * width, -0.5 * length, 0.5 * length
    cab = _box((width * 0.96, 0.84 * height, 1.9), 0.45, 0.25, front - 1.9)
    cargo = _prism([(rear, 0.85, half), (rear, height, half), (front - 2.1, height, half),
                    (front - 2.1, 0.85, half)], CARGO)  # fmt: skip
    bed = _prism([(rear, 0.5, half * 0.9), (rear, 0.85, half * 0.9), (front - 2.0, 0.85, half * 0.9),
                  (front - 2.0, 0.5, half * 0.9)], TRIM)  # fmt: skip
    back, sill = (
        _strip((rear, 0.85, half), (rear, height, half)),
        _strip((rear, 0.5, half), (rear, 0.85, half)),
    )
    face = _strip((front, 0.45, half * 0.96), (front, 0.378 * height, half * 0.96))
    screen = _strip((front, 0.378 * height, half * 0.96), (front - 0.25, 0.84 * height, half * 0.93))
    window = [(front - 1.4, 0.45 * height, half * 0.96), (front - 1.4, 0.78 * height, half * 0.96),
              (front - 0.3, 0.78 * height, half * 0.96),
              (front - 0.15, 0.45 * height, half * 0.96)]  # fmt: skip
    ends, discs = _wheels(half * 0.95, (rear + 1.2, rear + 2.1, front - 0.95), 0.46)
    cab += [
        *_side_windows(window, 1),
        _patch(screen, (0.05, 0.95), (0.15, 0.8), GLASS),
        _patch(face, (0.2, 0.8), (0.3, 0.9), TRIM, True),
        *_pair(face, (0.03, 0.18), (0.25, 0.7), HEAD),
    ]  # fmt: skip
    cargo += [
        _patch(back, (0.04, 0.49), (0.03, 0.97), CARGO, True),
        _patch(back, (0.492, 0.508), (0.02, 0.98), TRIM, True),
        _patch(back, (0.0, 1.0), (0.0, 0.02), TRIM, True),
        _patch(back, (0.0, 1.0), (0.98, 1.0), TRIM, True),
        *_pair(sill, (0.05, 0.22), (0.2, 0.8), TAIL),
        _patch(sill, (0.4, 0.6), (0.3, 0.8), PLATE, True),
    ]  # fmt: skip
    # from either end the nearer part hides the farther one; the two never both show their inner ends
    return [*ends, *bed, *discs, *cab, *cargo]


def _bus(size: Size3) -> list[Face]:
    width, height, length = size
    half, rear, front = 0.5 * width, -0.5 * length, 0.5 * length
    back = _strip((rear, 0.35, half), (rear, height, half * 0.97))
    face = _strip((front, 0.35, half), (front - 0.1, height, half * 0.97))
    band = [(rear + 0.2, 0.42 * height, half), (rear + 0.2, 0.84 * height, half * 0.99),
            (front - 0.3, 0.84 * height, half * 0.99), (front - 0.3, 0.42 * height, half)]  # fmt: skip
    body = _prism([(rear, 0.35, half), (rear, height, half * 0.97), (front - 0.1, height, half * 0.97),
                   (front, 0.35, half)], PAINT)  # fmt: skip
    ends, discs = _wheels(half, (rear + 2.6, front - 2.3), 0.48)
    return [
        *ends, *body, *discs, *_side_windows(band, 7),
        _patch(back, (0.10, 0.90), (0.52, 0.84), GLASS),
        _patch(back, (0.25, 0.75), (0.87, 0.96), TRIM, True),
        *_pair(back, (0.02, 0.12), (0.12, 0.4), TAIL),
        _patch(back, (0.2, 0.8), (0.1, 0.36), TRIM, True),
        _patch(back, (0.4, 0.6), (0.03, 0.08), PLATE, True),
        _patch(face, (0.04, 0.96), (0.3, 0.83), GLASS),
        _patch(face, (0.2, 0.8), (0.86, 0.96), TRIM, True),
        *_pair(face, (0.05, 0.2), (0.1, 0.2), HEAD),
    ]  # fmt: skip


_SIZES: dict[str, Size3] = {
    "hatch": (1.78, 1.48, 4.0),
    "saloon": (1.84, 1.45, 4.7),
    "suv": (1.92, 1.72, 4.5),
    "estate": (1.84, 1.5, 4.75),
    "van": (2.05, 2.35, 5.5),
    "truck": (2.45, 3.5, 8.4),
    "bus": (2.5, 3.1, 11.5),
}

_BODIES: dict[str, Callable[[Size3], list[Face]]] = {
    "hatch": lambda size: _car(size, boot=0.12, bonnet=1.0, rake=0.5),
    "saloon": lambda size: _car(size, boot=0.75, bonnet=1.25, rake=0.7),
    "suv": lambda size: _car(size, boot=0.1, bonnet=1.05, rake=0.35),
    "estate": lambda size: _car(size, boot=0.1, bonnet=1.2, rake=0.5),
    "van": _van,
    "truck": _truck,
    "bus": _bus,
}


def size_m(kind: str, variant: int) -> Size3:
    """Width, height and length; six variants differ in their measures."""
    grow = 0.95 + 0.02 * variant
    width, height, length = _SIZES[kind]
    return width, height * grow, length * grow


@lru_cache(maxsize=256)
def mesh(kind: str, variant: int, facing: float, fine: bool) -> Mesh:
    """The mesh of a kind of vehicle, ours (facing 1) or oncoming (-1), with or without its finer faces."""
    size = size_m(kind, variant)
    faces = [face for face in _BODIES[kind](size) if fine or not face.fine]
    if kind == "truck" and facing < 0:  # from ahead, the cab hides the cargo
        faces.sort(key=lambda face: bool(face.corners[:, 2].mean() > 0.5 * size[2] - 2.05))
    corners = np.stack([f.corners[np.minimum(np.arange(_CORNERS), len(f.corners) - 1)] for f in faces])
    turn = np.array([facing, 1.0, facing])
    return Mesh(
        corners * turn,
        np.stack([_normal(f.corners) for f in faces]) * turn,
        np.array([f.material for f in faces]),
    )
