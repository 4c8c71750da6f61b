"""The demo scene's vehicles made ready for the canvas: painted, lit, and seen from where the camera is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtseg.labels import VEHICLE
from rtseg.video.demo.actors import Vehicle
from rtseg.video.demo.canvas import FloatArray, Glow, Strokes, View, split_strokes
from rtseg.video.demo.light import Light
from rtseg.video.demo.meshes import CARGO, GLASS, HEAD, PAINT, TAIL, mesh

_ALBEDO = np.array(
    [(0, 0, 0), (72, 62, 54), (46, 45, 44), (30, 29, 29), (165, 165, 168), (26, 20, 214), (240, 244, 246),
     (225, 232, 235), (0, 0, 0)], dtype=np.float64,
)  # fmt: skip
_PAINTS = np.array(
    [(236, 237, 238), (188, 186, 184), (118, 115, 112), (44, 42, 42), (120, 66, 34), (36, 32, 158),
     (66, 82, 44), (150, 190, 208), (168, 112, 52), (38, 92, 206), (94, 54, 96), (214, 206, 188),
     (58, 52, 104), (146, 152, 74)],
    dtype=np.float64,
)  # fmt: skip
_BUSES = np.array(
    [(42, 176, 232), (38, 34, 176), (176, 110, 40), (90, 140, 60), (225, 225, 222)], dtype=np.float64
)
_CARGO = np.array(
    [(228, 228, 226), (150, 86, 40), (48, 96, 208), (88, 128, 70), (196, 204, 206)], dtype=np.float64
)

FINE_PX = 32.0
"""Plates, grilles and rims are drawn on cars that are at least this tall."""


def vehicle_strokes(view: View, light: Light, vehicles: Sequence[Vehicle]) -> list[Strokes]:
    """Vehicles made ready for the canvas, with their wheels, windows and lights, one for one."""
    if not vehicles:
        return []
    depths = np.array([max(v.along_m - view.eye_along_m, 1.0) for v in vehicles])
    shapes = [
        mesh(v.kind, v.variant, v.facing, bool(view.focal_px * 1.5 > FINE_PX * depth))
        for v, depth in zip(vehicles, depths, strict=True)
    ]
    owners = np.repeat(np.arange(len(vehicles)), [len(shape.corners) for shape in shapes])
    places = np.array([(v.side_m, 0.0, v.along_m) for v in vehicles])
    pixels = view.project(np.concatenate([shape.corners for shape in shapes]) + places[owners, None])
    x, y = pixels[..., 0], pixels[..., 1]
    # outward faces turn one way on the picture, faces seen from behind the other
    area = np.einsum("fk,fk->f", x[:, :-1], y[:, 1:]) - np.einsum("fk,fk->f", x[:, 1:], y[:, :-1])
    area = (area + x[:, -1] * y[:, 0] - x[:, 0] * y[:, -1]) * view.mirror
    keep = np.flatnonzero((area > 0.5) & view.sees(pixels))

    owners, pixels = owners[keep], pixels[keep]
    material = np.concatenate([shape.material for shape in shapes])[keep]
    normals = np.concatenate([shape.normals for shape in shapes])[keep]
    albedo = _ALBEDO[material]
    paint = np.stack([_paint(v) for v in vehicles])[owners]
    cargo = _CARGO[[int(v.colour * 97) % len(_CARGO) for v in vehicles]][owners]
    albedo = np.where(
        (material == PAINT)[:, None], paint, np.where((material == CARGO)[:, None], cargo, albedo)
    )
    # glass shows the sky
    albedo[material == GLASS] += 0.24 * light.sky_low
    colours = light.shade(albedo, normals, depths[owners])

    lamps = ((material == TAIL) | (material == HEAD)) & np.array([v.moving for v in vehicles])[owners]
    glows: list[list[Glow]] = [[] for _ in vehicles]
    if light.dark > 0.3:
        for i in np.flatnonzero(lamps):
            head, owner = material[i] == HEAD, int(owners[i])
            colours[i] = (225.0, 250.0, 255.0) if head else (60.0, 48.0, 250.0)
            radius = float((0.55 if head else 0.3) * view.focal_px / depths[owner])
            bgr = np.array([150.0, 190.0, 205.0] if head else [40.0, 30.0, 150.0]) * light.dark
            glows[owner].append((pixels[i].mean(axis=0), radius, bgr.tolist()))
    parts = split_strokes(pixels, colours, owners, len(vehicles), VEHICLE)
    return [replace(part, glows=glow) for part, glow in zip(parts, glows, strict=True)]


def _paint(vehicle: Vehicle) -> FloatArray:
    paints = _BUSES if vehicle.kind == "bus" else _PAINTS
    paint: FloatArray = paints[int(vehicle.colour * len(paints))]
    return paint
