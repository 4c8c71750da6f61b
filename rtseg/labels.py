"""Class names and their colours."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
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
    return _named(classes, dict(zip(CLASSES, PALETTE, strict=True)))


def named_palette(name: str, classes: Sequence[str]) -> tuple[Rgb, ...]:
    """RGB of each class after one of PALETTES. Raises KeyError for a name that is none of them."""
    return PALETTES[name](classes)


def _colour_blind_safe(classes: Sequence[str]) -> tuple[Rgb, ...]:
    return _in_turn(classes, _SAFE)


def _bright(classes: Sequence[str]) -> tuple[Rgb, ...]:
    return _in_turn(classes, _NEON)


def _cityscapes(classes: Sequence[str]) -> tuple[Rgb, ...]:
    return _named(classes, _CITYSCAPES)


def _in_turn(classes: Sequence[str], colors: Sequence[Rgb]) -> tuple[Rgb, ...]:
    """The first colours for the classes that rtseg knows, the others in turn for the rest."""
    known = {name: color for name, color in zip(CLASSES[1:], colors, strict=False) if name in classes}
    free = iter([color for color in colors if color not in known.values()])
    first = {CLASSES[BACKGROUND]: PALETTE[BACKGROUND], **known}
    others = dict(zip((name for name in classes if name not in first), free, strict=False))
    return _named(classes, first | others)


def _named(classes: Sequence[str], colors: Mapping[str, Rgb]) -> tuple[Rgb, ...]:
    """The colours of these names, and hues far apart for names that have none."""
    return tuple(
        colors[name] if name in colors else _hue(index / len(classes)) for index, name in enumerate(classes)
    )


def _hue(turn: float) -> Rgb:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(turn, 0.7, 0.9))
    return red, green, blue


# The first three stay apart with each kind of colour blindness even where only chroma is tinted, as in video,
# and apart from grey, which what is not tinted comes near; the others as flat colours.
_SAFE: Final[tuple[Rgb, ...]] = (
    (0, 210, 255),
    (140, 0, 255),
    (255, 150, 0),
    (0, 90, 45),
    (210, 225, 165),
    (135, 0, 135),
    (255, 60, 150),
    (120, 120, 240),
    (135, 105, 15),
    (75, 30, 180),
    (210, 165, 90),
)
_NEON: Final[tuple[Rgb, ...]] = (
    (57, 255, 20),
    (0, 160, 255),
    (255, 20, 100),
    (255, 230, 0),
    (190, 60, 255),
    (0, 255, 200),
    (255, 120, 0),
    (255, 90, 220),
)
# The colours of the Cityscapes data set, by its names, rtseg's and CamVid's.
_CITYSCAPES: Final[Mapping[str, Rgb]] = {
    "background": (0, 0, 0),
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "pavement": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "tree": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "pedestrian": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "vehicle": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}

PALETTES: Final[Mapping[str, Callable[[Sequence[str]], tuple[Rgb, ...]]]] = MappingProxyType(
    {
        "rtseg": palette,
        "colour-blind safe": _colour_blind_safe,
        "bright": _bright,
        "cityscapes": _cityscapes,
    }
)
"""What `named_palette` knows. Each works for any classes."""
