"""Class names and their colours."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from typing import Final

CLASSES: Final = ("background", "road", "vehicle", "pedestrian")
BACKGROUND: Final = 0
ROAD: Final = 1
VEHICLE: Final = 2
PEDESTRIAN: Final = 3

IGNORE: Final = 255
"""The label of pixels that count nowhere, in class maps of data sets."""

MOST_MERGEABLE: Final = 6
"""Data sets of more classes than this cannot have merged labels: a class map is uint8."""


def has_background(classes: Sequence[str]) -> bool:
    """Whether the first class is what is left when all others are named, which figures leave out."""
    return classes[BACKGROUND] == CLASSES[BACKGROUND]


def merged(classes: Iterable[int]) -> int:
    """The label of pixels that are one of these classes, though nobody knows which.

    Comma10k's "movable" is a vehicle or a pedestrian. A training takes the sum of the members' probabilities
    (the marginal); an evaluation leaves such pixels out.
    """
    return 128 | sum(1 << index for index in classes)


def members(label: int, classes: int) -> tuple[int, ...]:
    """The classes that a label of a class map allows, of this many in all: none for IGNORE."""
    if label < 128:
        return (label,) if label < classes else ()
    return tuple(index for index in range(min(classes, MOST_MERGEABLE)) if label >> index & 1) * (label < 192)


Rgb = tuple[int, int, int]

PALETTE: Final[tuple[Rgb, ...]] = ((0, 0, 0), (0, 158, 115), (60, 120, 255), (255, 110, 0))
"""RGB, one row a class. Told apart with each common kind of colour blindness (after Okabe and Ito)."""


def palette(classes: Sequence[str]) -> tuple[Rgb, ...]:
    """RGB of each class: rtseg's own colours where it knows the name, else hues far apart."""
    known = dict(zip(CLASSES, PALETTE, strict=True))
    return tuple(known.get(name) or _hue(index / len(classes)) for index, name in enumerate(classes))


def _hue(turn: float) -> Rgb:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(turn, 0.7, 0.9))
    return red, green, blue
