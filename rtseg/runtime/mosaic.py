"""Drawing several pictures side by side on a canvas.

Frames of any size and pixel format  ->  (rows * h, columns * w, 3) uint8 BGR and the place of each picture
"""

from __future__ import annotations

import math
import textwrap

import cv2
import numpy as np

from rtseg import preprocess
from rtseg.frame import Frame, Size, Tile, UInt8Array

_DIMMED = 0.35
_NOTHING = 32  # grey, where no picture has come yet
_WHITE = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MOST_LINES = 5


class Mosaic:
    """A canvas with a cell for each of some pictures. Used by one thread."""

    def __init__(self, count: int, cell: Size) -> None:
        """Cells of this even (width, height), in as many columns as rows or one more."""
        self._columns = math.ceil(math.sqrt(count))
        self._cell = cell
        self.size = self._columns * cell[0], math.ceil(count / self._columns) * cell[1]
        self._canvas = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        self._handed_out = False
        self._tiles: dict[int, Tile] = {}
        self._last: dict[int, UInt8Array] = {}
        """Pictures of the cells that are covered, as they were before."""

    def place(self, number: int, picture: Size) -> Tile:
        """Where a picture of this size goes: as large as its cell allows, in the middle."""
        width, height = self._cell
        scale = min(width / picture[0], height / picture[1])
        across, down = (max(2, 2 * round(side * scale / 2)) for side in picture)
        left, top = (width - across) // 4 * 2, (height - down) // 4 * 2
        row, column = divmod(number, self._columns)
        return Tile(column * width + left, row * height + top, across, down)

    def show(self, number: int, frame: Frame) -> Tile:
        """Draw a picture into its cell."""
        tile = self.place(number, frame.size)
        self._own()
        if self._tiles.get(number) != tile or self._last.pop(number, None) is not None:
            self._at(self._cell_of(number))[:] = 0
        self._tiles[number] = tile
        self._at(tile)[:] = cv2.cvtColor(preprocess.network_input(frame, tile.size), cv2.COLOR_RGB2BGR)
        return tile

    def cover(self, number: int, tile: Tile, text: str) -> None:
        """Dim the last picture of a cell, take its colour, and write what is the matter over it."""
        self._own()
        if number not in self._last:
            seen = number in self._tiles
            self._last[number] = self._at(tile).copy() if seen else np.full_like(self._at(tile), _NOTHING)
        cell = self._at(self._cell_of(number))
        cell[:] = 0
        grey = cv2.cvtColor(self._last[number], cv2.COLOR_BGR2GRAY)
        dimmed = cv2.convertScaleAbs(grey, alpha=_DIMMED)
        self._at(tile)[:] = cv2.cvtColor(dimmed, cv2.COLOR_GRAY2BGR)
        _write(cell, text)

    def canvas(self) -> UInt8Array:
        """The canvas as it is now; it is not written to any more."""
        self._handed_out = True
        return self._canvas

    def _own(self) -> None:
        if self._handed_out:
            self._canvas = self._canvas.copy()
            self._handed_out = False

    def _cell_of(self, number: int) -> Tile:
        row, column = divmod(number, self._columns)
        return Tile(column * self._cell[0], row * self._cell[1], *self._cell)

    def _at(self, tile: Tile) -> UInt8Array:
        return self._canvas[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]


def _write(cell_bgr: UInt8Array, text: str) -> None:
    """Into the middle of a cell, a paragraph a line of the text; OpenCV's font knows ASCII alone."""
    height, width = cell_bgr.shape[:2]
    scale = max(0.35, min(width / 1200, height / 600))
    (letter, line), _ = cv2.getTextSize("n", _FONT, scale, 1)
    columns = max(4, int(0.9 * width / letter))
    paragraphs = text.encode("ascii", "replace").decode("ascii").splitlines()
    lines = [part for paragraph in paragraphs for part in textwrap.wrap(paragraph, columns)][:_MOST_LINES]
    step = 2 * line + 6
    bottom = (height - step * len(lines)) // 2 + line
    for number, part in enumerate(lines):
        left = (width - cv2.getTextSize(part, _FONT, scale, 1)[0][0]) // 2
        origin = (max(0, left), bottom + number * step)
        cv2.putText(cell_bgr, part, origin, _FONT, scale, _WHITE, 1, cv2.LINE_AA)
