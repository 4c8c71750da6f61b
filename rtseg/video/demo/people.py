"""The demo scene's people: walking, standing and cycling figures of rounded limbs.

A figure is posed in metres as (forward, up, right), turned to where it faces, and drawn far limb first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from rtseg.labels import PEDESTRIAN
from rtseg.video.demo.actors import Person
from rtseg.video.demo.canvas import FloatArray, Strokes, View, capsules, split_strokes
from rtseg.video.demo.light import Light

_SKIN = np.array(
    [(150, 178, 218), (128, 160, 205), (92, 122, 168), (58, 80, 120), (44, 58, 88)], dtype=np.float64
)
_HAIR = np.array(
    [(28, 30, 36), (40, 58, 84), (88, 140, 184), (150, 152, 156), (34, 50, 112)], dtype=np.float64
)
_TOPS = np.array(
    [(52, 46, 176), (168, 96, 48), (60, 140, 72), (52, 176, 226), (212, 210, 206), (46, 44, 46),
     (128, 84, 156), (112, 110, 104), (190, 160, 66), (60, 110, 214), (92, 60, 40), (158, 178, 190)],
    dtype=np.float64,
)  # fmt: skip
_LEGS = np.array(
    [(98, 64, 42), (44, 42, 42), (70, 62, 56), (110, 128, 146), (58, 74, 92), (128, 92, 62)], dtype=np.float64
)
_SHOES = (46.0, 44.0, 48.0)
_STEEL = (52.0, 50.0, 50.0)

FINE_PX = 64.0
"""Hands, shoes and spokes are drawn on people who are at least this tall."""

_TOP, _LEG, _SKIN_TONE, _HAIR_TONE, _SHOE, _BAG, _METAL = range(7)

Point = tuple[float, float, float]
Limb = tuple[Point, Point, float, float, tuple[int, float], float]
"""Start and end (forward, up, right), the radius at each, which colour and how bright, and how much nearer
than its place it is drawn."""


def height_m(person: Person) -> float:
    """From the ground to the top of the head."""
    if person.cycling:
        return 1.72
    grown = 1.58 + 0.32 * person.looks[6]
    return 1.15 + 0.25 * person.looks[6] if person.looks[7] < 0.1 else grown


@lru_cache(maxsize=1024)
def _palette(looks: tuple[float, ...], cycling: bool) -> FloatArray:
    """What somebody wears: albedo by number, (7, 3)."""
    d = looks

    def pick(colours: FloatArray, share: float) -> FloatArray:
        chosen: FloatArray = colours[int(share * len(colours))]
        return chosen

    hair = pick(_TOPS, d[12]) if cycling else pick(_HAIR, d[11])  # a helmet
    bag = pick(_TOPS, d[11]) * 0.8 if cycling else pick(_TOPS, d[15]) * 0.7  # or the frame
    worn = (pick(_TOPS, d[8]), pick(_LEGS, d[9]), pick(_SKIN, d[10]), hair, _SHOES, bag, _STEEL)
    return np.array(worn)


def _walker(person: Person) -> list[Limb]:
    d, h = person.looks, height_m(person)
    swing = 0.42 * sin(person.step) if person.speed_mps else 0.06
    broad = h * (0.9 + 0.25 * d[12])
    hip, thigh, shoulder = 0.52 * h, 0.25 * h, 0.80 * h
    limbs: list[Limb] = []
    for side, angle in ((-1.0, swing), (1.0, -swing)):
        tone = 0.78 if side < 0 else 1.0
        bent = angle - 0.75 * max(0.0, cos(person.step) * side) * bool(person.speed_mps)
        knee = (thigh * sin(angle), hip - thigh * cos(angle), side * 0.05 * h)
        foot = (knee[0] + thigh * sin(bent), knee[1] - thigh * cos(bent), side * 0.055 * h)
        limbs += [
            ((0.0, hip, side * 0.05 * h), knee, 0.056 * broad, 0.044 * broad, (_LEG, tone), 0.0),
            (knee, foot, 0.042 * broad, 0.032 * broad, (_LEG, tone), 0.0),
            (foot, (foot[0] + 0.085 * h, foot[1] + 0.005, foot[2]), 0.026 * h, 0.02 * h, (_SHOE, 1.0), 0.01),
        ]
        elbow = (-0.10 * h * sin(angle) * 1.6, 0.63 * h, side * 0.125 * broad)
        hand = (elbow[0] - 0.09 * h * sin(angle) + 0.05 * h, 0.50 * h, side * 0.125 * broad)
        limbs += [
            (
                (0.0, shoulder - 0.02 * h, side * 0.10 * broad),
                elbow,
                0.034 * broad,
                0.028 * broad,
                (_TOP, 0.9 * tone),
                0.0,
            ),
            (elbow, hand, 0.028 * broad, 0.022 * broad, (_TOP, 0.9 * tone), 0.0),
            (
                hand,
                (hand[0] + 0.01, hand[1] - 0.02 * h, hand[2]),
                0.024 * h,
                0.022 * h,
                (_SKIN_TONE, 1.0),
                0.0,
            ),
        ]
    coat = d[13] < 0.35
    nape, back = (0.86 if d[15] < 0.4 else 0.92) * h, -0.012 * h
    hem = (0.0, hip - (0.17 * h if coat else 0.0), 0.0)
    for side in (-1.0, 1.0):  # two bars side by side make shoulders
        limbs.append(
            ((0.0, shoulder - 0.03 * h, side * 0.055 * broad), (hem[0], hem[1], side * 0.035 * broad),
             0.062 * broad, (0.085 if coat else 0.058) * broad, (_TOP, 1.0), 0.06)
        )  # fmt: skip
    if d[14] < 0.3:
        limbs.append(
            ((-0.10 * h, 0.76 * h, 0.0), (-0.10 * h, 0.62 * h, 0.0), 0.07 * h, 0.08 * h, (_BAG, 1.0), 0.0)
        )
    limbs += [
        ((0.0, 0.82 * h, 0.0), (0.005, 0.87 * h, 0.0), 0.028 * h, 0.028 * h, (_SKIN_TONE, 0.85), 0.08),
        ((0.01 * h, 0.905 * h, 0.0), (0.01 * h, 0.94 * h, 0.0), 0.047 * h, 0.052 * h, (_SKIN_TONE, 1.0), 0.1),
        # hair lies over the head, more of it behind than before
        ((-0.018 * h, 0.955 * h, 0.0), (-0.03 * h, nape, 0.0), 0.053 * h, 0.046 * h, (_HAIR_TONE, 1.0), 0.09),
        ((back, 0.965 * h, back), (back, 0.965 * h, -back), 0.042 * h, 0.042 * h, (_HAIR_TONE, 1.0), 0.12),
    ]  # fmt: skip
    return limbs


_WHEEL = [(cos(turn), sin(turn)) for turn in (2.0 * pi * i / 12 for i in range(12))]


def _rider(person: Person) -> list[Limb]:
    limbs: list[Limb] = [
        ((-0.52, 0.34, 0.0), (-0.52, 0.35, 0.0), 0.01, 0.01, (_METAL, 1.0), 0.0),
        ((-0.52, 0.34, 0.0), (-0.15, 0.86, 0.0), 0.02, 0.02, (_BAG, 1.0), 0.0),
        ((-0.05, 0.32, 0.0), (-0.20, 0.92, 0.0), 0.022, 0.02, (_BAG, 1.0), 0.0),
        ((-0.05, 0.32, 0.0), (0.42, 0.82, 0.0), 0.024, 0.024, (_BAG, 1.0), 0.0),
        ((-0.15, 0.82, 0.0), (0.42, 0.84, 0.0), 0.022, 0.022, (_BAG, 1.0), 0.0),
        ((0.54, 0.34, 0.0), (0.38, 1.02, 0.0), 0.02, 0.02, (_BAG, 1.0), 0.0),
        ((0.38, 1.03, -0.26), (0.38, 1.03, 0.26), 0.018, 0.018, (_METAL, 1.0), 0.0),
        ((-0.32, 0.95, 0.0), (-0.08, 0.95, 0.0), 0.05, 0.03, (_METAL, 1.0), 0.0),
    ]
    for side, turn in ((-1.0, person.step), (1.0, person.step + pi)):
        tone = 0.78 if side < 0 else 1.0
        foot = (-0.05 + 0.17 * cos(turn), 0.34 + 0.17 * sin(turn), side * 0.10)
        knee = (0.22 + 0.06 * cos(turn), 0.74 + 0.14 * sin(turn), side * 0.12)
        limbs += [
            ((-0.2, 1.0, side * 0.09), knee, 0.09, 0.07, (_LEG, tone), 0.0),
            (knee, foot, 0.065, 0.048, (_LEG, tone), 0.0),
            (foot, (foot[0] + 0.13, foot[1], foot[2]), 0.045, 0.035, (_SHOE, 1.0), 0.0),
            ((0.06, 1.44, side * 0.18), (0.24, 1.2, side * 0.23), 0.055, 0.045, (_TOP, 0.9 * tone), 0.02),
            ((0.24, 1.2, side * 0.23), (0.38, 1.06, side * 0.22), 0.045, 0.036, (_SKIN_TONE, 1.0), 0.02),
            ((0.06, 1.42, side * 0.09), (-0.2, 1.02, side * 0.07), 0.11, 0.10, (_TOP, 1.0), 0.05),
        ]
    for hub in (-0.52, 0.54):
        rim_ends = [(hub + 0.33 * x, 0.34 + 0.33 * y, 0.0) for x, y in _WHEEL]
        # A turning wheel's spokes are a blur that fills it; data sets of real streets label it whole too.
        spoke_ends = [(hub + 0.26 * x, 0.34 + 0.26 * y, 0.0) for x, y in _WHEEL]
        limbs += [
            (a, b, 0.075, 0.075, (_METAL, 1.9), 0.0)
            for a, b in zip(spoke_ends[:6:2], spoke_ends[6::2], strict=True)
        ]
        limbs += [
            (a, b, 0.03, 0.044, (_METAL, 1.0), 0.0)
            for a, b in zip(rim_ends, rim_ends[1:] + rim_ends[:1], strict=True)
        ]
    limbs += [
        ((0.12, 1.52, 0.0), (0.16, 1.6, 0.0), 0.05, 0.05, (_SKIN_TONE, 0.85), 0.08),
        ((0.17, 1.6, 0.0), (0.16, 1.66, 0.0), 0.085, 0.09, (_SKIN_TONE, 1.0), 0.1),
        ((0.22, 1.695, 0.0), (0.07, 1.69, 0.0), 0.075, 0.085, (_HAIR_TONE, 1.0), 0.14),
    ]
    return limbs


def person_strokes(view: View, light: Light, people: Sequence[Person]) -> list[Strokes]:
    """People made ready for the canvas, with their bicycles, one for one."""
    if not people:
        return []
    figures = []
    for person in people:
        tall_px = height_m(person) * view.focal_px / max(person.along_m - view.eye_along_m, 1.0)
        # the farther away, the fewer of the slight limbs
        slight = height_m(person) * (
            0.0 if tall_px > FINE_PX else 0.025 if tall_px > 0.6 * FINE_PX else 0.0305
        )
        limbs = _rider(person) if person.cycling else _walker(person)
        figures.append([limb for limb in limbs if limb[3] > slight])
    owners = np.repeat(np.arange(len(people)), [len(limbs) for limbs in figures])
    table = np.array(
        [(*a, *b, r0, r1, *tone, lift) for limbs in figures for a, b, r0, r1, tone, lift in limbs]
    )

    headings = np.array([person.heading for person in people])[owners, None]
    places = np.array([(person.side_m, person.along_m) for person in people])[owners, None]
    posed = table[:, :6].reshape(-1, 2, 3)
    ends = np.empty_like(posed)
    ends[..., 0] = places[..., 0] + posed[..., 0] * headings[..., 0] + posed[..., 2] * headings[..., 1]
    ends[..., 1] = posed[..., 1]
    ends[..., 2] = places[..., 1] + posed[..., 0] * headings[..., 1] - posed[..., 2] * headings[..., 0]
    depth = view.depth(ends[..., 2])
    pixels, radii = view.project(ends), table[:, 6:8] * view.focal_px / depth
    # each figure's limbs from far to near; a lift brings clothes before what they cover
    order = np.lexsort((2.0 * table[:, 10] - depth.mean(axis=1), owners))
    palettes = np.stack([_palette(person.looks, person.cycling) for person in people])
    albedo = palettes[owners[order], table[order, 8].astype(np.intp)] * table[order, 9:10]
    colours = light.soft(albedo, places[order, 0, 1] - view.eye_along_m)
    polygons = capsules(pixels[order, 0], pixels[order, 1], radii[order])
    seen = np.flatnonzero(view.sees(polygons))
    return split_strokes(polygons[seen], colours[seen], owners[order][seen], len(people), PEDESTRIAN)
