"""The trees and the street lamps of the demo scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtseg.labels import BACKGROUND
from rtseg.video.demo.canvas import FloatArray, Strokes, View, capsules, split_strokes
from rtseg.video.demo.light import Light
from rtseg.video.demo.world import Thing

_LEAVES = np.array(
    [(44, 92, 62), (40, 104, 82), (52, 116, 104), (36, 80, 58), (40, 118, 150), (62, 108, 84)],
    dtype=np.float64,
)
_BARK = (62.0, 78.0, 96.0)
_METAL = (92.0, 90.0, 86.0)
_LANTERN = (170.0, 168.0, 164.0)
_CORNERS = 26

_CLUMPS = np.array(
    [(0.0, 0.0, 1.0, 0.62), (-0.38, 0.22, 0.62, 0.78), (0.40, 0.12, 0.62, 0.84), (0.02, -0.38, 0.66, 0.95),
     (-0.12, -0.5, 0.36, 1.16), (0.28, -0.16, 0.34, 1.1)]
)  # fmt: skip
"""A crown: a dark body, then lighter clumps upon it; right, down and size by its radius, and tone."""


def _blob(lobes: int) -> FloatArray:
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    phase = 1.7 * lobes
    radius = 1.0 + 0.07 * np.cos(lobes * turn + phase) + 0.05 * np.cos((2 * lobes + 1) * turn + 2.0 * phase)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


_BLOBS = np.stack([_blob(lobes) for lobes in (5, 6, 7, 8)])


def tree_strokes(view: View, light: Light, trees: Sequence[Thing]) -> list[Strokes]:
    """Trees made ready for the canvas, one for one."""
    if not trees:
        return []
    count, looks = len(trees), np.array([tree.looks for tree in trees])
    along = np.array([tree.along_m for tree in trees])
    tall, depth = 4.5 + 5.5 * looks[:, 3], along - view.eye_along_m
    ends = np.zeros((count, 2, 3))
    ends[..., 0] = np.array([tree.side_m for tree in trees])[:, None]
    ends[:, 1, 1] = 0.45 * tall
    ends[..., 2] = along[:, None]
    base, metre = view.project(ends), view.focal_px / depth
    trunks = capsules(base[:, 0], base[:, 1], np.outer(tall * metre, (0.022, 0.014)))
    trunks = trunks[:, np.minimum(np.arange(_CORNERS), trunks.shape[1] - 1)]

    wide = ((0.26 + 0.12 * looks[:, 4]) * tall * metre)[:, None, None]
    crown = base[:, 1] - np.stack([np.zeros(count), 0.22 * tall * metre], axis=1)
    stretch = np.stack([np.ones(count), 0.95 + 0.5 * looks[:, 7]], axis=1)[:, None]
    # the bright clumps lie on the side of the sun
    toward = np.array([(view.mirror * light.sun_side * 0.25 * (tone > 1.0), 0.0) for *_, tone in _CLUMPS])
    middles = crown[:, None] + (_CLUMPS[:, :2] + toward) * wide * stretch
    blobs = _BLOBS[(np.arange(len(_CLUMPS)) + (looks[:, 8:9] * 4).astype(int)) % 4]
    crowns = middles[:, :, None] + blobs * (stretch * wide * _CLUMPS[:, 2:3])[:, :, None]

    leaves = _LEAVES[(looks[:, 5] * len(_LEAVES)).astype(int)] * (0.92 + 0.16 * looks[:, 6:7])
    albedo = np.concatenate([np.broadcast_to(_BARK, (count, 1, 3)), leaves[:, None] * _CLUMPS[:, 3:]], axis=1)
    each = albedo.shape[1]
    polygons = np.concatenate([trunks[:, None], crowns], axis=1).reshape(-1, _CORNERS, 2)
    colours = light.soft(albedo.reshape(-1, 3), np.repeat(depth, each))
    owners = np.repeat(np.arange(count), each)
    # the smaller clumps show on the nearer crowns only
    shown = (wide[:, 0] > 26.0) | (np.arange(each) < each - 2)
    seen = np.flatnonzero(shown.ravel() & view.sees(polygons))
    return split_strokes(polygons[seen], colours[seen], owners[seen], count, BACKGROUND)


def lamp_strokes(view: View, light: Light, lamps: Sequence[Thing]) -> list[Strokes]:
    """Street lamps made ready for the canvas, lit when it is dark, one for one."""
    if not lamps:
        return []
    count = len(lamps)
    side, along = np.array([lamp.side_m for lamp in lamps]), np.array([lamp.along_m for lamp in lamps])
    reach = side - np.sign(side) * 1.6
    ends = np.empty((count, 3, 2, 3))
    # a post, an arm and a lantern
    ends[..., 0] = np.stack([side, side, side, reach, reach + 0.35, reach - 0.35], axis=1).reshape(
        count, 3, 2
    )
    ends[..., 1] = ((0.0, 6.6), (6.6, 7.0), (6.97, 6.97))
    ends[..., 2] = along[:, None, None]
    metre = view.focal_px / (along - view.eye_along_m)
    pixels = view.project(ends)
    radii = np.array([(0.09, 0.06), (0.05, 0.05), (0.10, 0.08)]) * metre[:, None, None]
    polygons = capsules(pixels[:, :, 0].reshape(-1, 2), pixels[:, :, 1].reshape(-1, 2), radii.reshape(-1, 2))
    colours = light.soft(
        np.tile((_METAL, _METAL, _LANTERN), (count, 1)), np.repeat(along - view.eye_along_m, 3)
    )
    lit = light.dark > 0.4
    if lit:
        colours[2::3] = (210.0, 240.0, 255.0)
    strokes = split_strokes(polygons, colours, np.repeat(np.arange(count), 3), count, BACKGROUND)
    if not lit:
        return strokes
    glow = (np.array((105.0, 160.0, 190.0)) * light.dark).tolist()
    centres = pixels[:, 2].mean(axis=1)
    return [replace(s, glows=[(centres[i], 1.2 * float(metre[i]), glow)]) for i, s in enumerate(strokes)]
