"""Class names and their colours."""

from __future__ import annotations

from typing import Final

CLASSES: Final = ("background", "road", "vehicle", "pedestrian")
BACKGROUND: Final = 0
ROAD: Final = 1
VEHICLE: Final = 2
PEDESTRIAN: Final = 3

IGNORE: Final = 255
"""The label of pixels that count nowhere, in class maps of data sets."""

Rgb = tuple[int, int, int]

PALETTE: Final[tuple[Rgb, ...]] = ((0, 0, 0), (0, 158, 115), (60, 120, 255), (255, 110, 0))
"""RGB, one row a class. Told apart with each common kind of colour blindness (after Okabe and Ito)."""
