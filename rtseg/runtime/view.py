"""Where pictures lie on a window's canvas: modes, zoom and pan. Pure geometry, in pixels of the screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from rtseg.frame import Size

Mode = Literal["overlay", "mask", "side", "split"]
MODES: Final[tuple[Mode, ...]] = ("overlay", "mask", "side", "split")
MOST_ZOOM: Final = 16.0
_GAP = 2  # between two pictures side by side
_NEAR = 1e-6


@dataclass(frozen=True)
class Rect:
    """Pixels of the canvas."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def cut(self, other: Rect) -> Rect:
        """What lies in both; without width or height where nothing does."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(
            x, y, max(0, min(self.right, other.right) - x), max(0, min(self.bottom, other.bottom) - y)
        )


@dataclass(frozen=True)
class Pane:
    """A picture on the canvas: where its corner is, maybe outside, and how large its pixels are there."""

    area: Rect
    """What it may cover."""
    picture: Size
    left: float
    top: float
    scale: float

    @property
    def place(self) -> Rect:
        """What it covers of its area."""
        width, height = (max(1, round(side * self.scale)) for side in self.picture)
        return Rect(round(self.left), round(self.top), width, height).cut(self.area)

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """A point of the canvas in parts of the picture, 0 to 1 inside of it."""
        width, height = self.picture
        return (x - self.left) / self.scale / width, (y - self.top) / self.scale / height


@dataclass(frozen=True)
class View:
    """What a window wants to see. size is the canvas' (width, height)."""

    size: Size
    mode: Mode = "overlay"
    split: float = 0.5
    """Where the line between the plain and the tinted picture is, 0 to 1 of the canvas' width."""
    zoom: float = 1.0
    """1 fits the whole picture in."""
    center: tuple[float, float] = (0.5, 0.5)
    """What of the picture is in the middle, 0 to 1; the picture's edges are kept out of the canvas."""

    def panes(self, picture: Size) -> tuple[Pane, ...]:
        """One, or two where pictures lie side by side: across or down, as they are larger."""
        width, height = self.size
        if self.mode != "side":
            return (self._pane(picture, Rect(0, 0, width, height)),)
        half_width, half_height = max(1, (width - _GAP) // 2), max(1, (height - _GAP) // 2)
        across = (
            Rect(0, 0, half_width, height),
            Rect(width - half_width, 0, half_width, height),
        )
        down = (
            Rect(0, 0, width, half_height),
            Rect(0, height - half_height, width, half_height),
        )
        areas = max(across, down, key=lambda pair: _fit(picture, pair[0]))
        return tuple(self._pane(picture, area) for area in areas)

    def _pane(self, picture: Size, area: Rect) -> Pane:
        scale = _fit(picture, area) * self.zoom
        corners = (
            _corner(start, room, side * scale, middle)
            for start, room, side, middle in zip(
                (area.x, area.y), (area.width, area.height), picture, self.center, strict=True
            )
        )
        left, top = corners
        return Pane(area, picture, left, top, scale)

    @property
    def split_x(self) -> int:
        """The first column of the canvas that is tinted where the view is split."""
        return round(min(max(self.split, 0.0), 1.0) * self.size[0])

    def zoomed(self, factor: float, at: tuple[float, float], picture: Size) -> View:
        """Closer by a factor, or further away; what is at this point of the canvas stays there."""
        zoom = min(max(self.zoom * factor, 1.0), MOST_ZOOM)
        if zoom < 1 + _NEAR:
            return replace(self, zoom=1.0, center=(0.5, 0.5))
        pane = _under(self.panes(picture), at)
        held = pane.to_picture(*at)
        new = _under(replace(self, zoom=zoom).panes(picture), at)
        middle = new.area.x + new.area.width / 2, new.area.y + new.area.height / 2
        return replace(self, zoom=zoom)._around(new, held, (at[0] - middle[0], at[1] - middle[1]))

    def panned(self, by: tuple[float, float], picture: Size) -> View:
        """The picture dragged by so many pixels of the canvas."""
        pane = self.panes(picture)[0]
        middle = pane.area.x + pane.area.width / 2, pane.area.y + pane.area.height / 2
        return self._around(pane, pane.to_picture(*middle), by)

    def _around(self, pane: Pane, point: tuple[float, float], away: tuple[float, float]) -> View:
        """Has a point of the picture so many pixels away from the middle, as far as edges allow."""
        center = []
        for side, room, part, distance in zip(
            pane.picture, (pane.area.width, pane.area.height), point, away, strict=True
        ):
            length = side * pane.scale
            margin = min(0.5, room / length / 2)
            center.append(min(max(part - distance / length, margin), 1 - margin))
        return replace(self, center=(center[0], center[1]))


def _fit(picture: Size, area: Rect) -> float:
    return min(max(1, area.width) / picture[0], max(1, area.height) / picture[1])


def _corner(start: float, room: float, length: float, middle: float) -> float:
    """Where a picture of this length begins along one side."""
    if length <= room + 0.5:
        # Whole pixels: what fits is not blurred by half of one.
        return start + (room - round(length)) // 2
    return start + min(0.0, max(room - length, room / 2 - middle * length))


def _under(panes: tuple[Pane, ...], at: tuple[float, float]) -> Pane:
    for pane in panes:
        if pane.area.x <= at[0] < pane.area.right and pane.area.y <= at[1] < pane.area.bottom:
            return pane
    return panes[0]
