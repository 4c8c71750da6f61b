"""A segmented frame to what a window's canvas shows of it, converted at the size in which it is seen.

Shown, View  ->  (height, width, 4) uint8 BGRX of the canvas, as 32-bit screens have it in memory
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter

from rtseg.frame import Frame, Size, Tile, UInt8Array
from rtseg.labels import Rgb
from rtseg.overlay import Palette
from rtseg.preprocess import resized
from rtseg.runtime.shown import Shown
from rtseg.runtime.view import Pane, Rect, View
from rtseg.video.planes import SWSCALE_MATRICES

_SWSCALE_COLUMNS = 16
_CANVASES = 4


class Composer:
    """Keeps what conversion needs from one picture to the next. Used by one thread."""

    def __init__(self, background: Rgb = (18, 20, 24)) -> None:
        self.background = background
        self._reformatter = VideoReformatter()
        self._canvases = deque([np.empty((0, 0, 4), np.uint8)] * _CANVASES)

    def compose(self, shown: Shown, view: View) -> UInt8Array:
        """The canvas; what no picture covers has the colour of the background.

        Its memory is written again after three more of its size.
        """
        width, height = view.size
        canvas = self._canvas(width, height)
        panes = view.panes(shown.frame.size)
        if any(pane.place != pane.area for pane in panes) or view.mode == "side":
            # As the number that its four bytes are: many times as fast as four of them.
            canvas.view(np.uint32)[:] = np.array((*self.background[::-1], 255), np.uint8).view(np.uint32)
        if view.mode == "mask":
            self._paint_mask(canvas, panes[0], shown)
        elif view.mode == "side":
            self._paint(canvas, panes[0], shown.frame)
            self._paint(canvas, panes[1], shown.blended)
        elif view.mode == "split":
            line = view.split_x
            self._paint(canvas, panes[0], shown.frame, Rect(0, 0, line, height))
            self._paint(canvas, panes[0], shown.blended, Rect(line, 0, width - line, height))
        else:
            self._paint(canvas, panes[0], shown.blended)
        return canvas

    def _canvas(self, width: int, height: int) -> UInt8Array:
        # Memory that is new for each picture costs more time than what is written into it. One canvas may be
        # on the screen, one on its way there, and one waiting.
        self._canvases.rotate()
        if self._canvases[0].shape[:2] != (height, width):
            self._canvases[0] = np.empty((height, width, 4), np.uint8)
        return self._canvases[0]

    def _paint(self, canvas: UInt8Array, pane: Pane, frame: Frame, clip: Rect | None = None) -> None:
        target = pane.place if clip is None else pane.place.cut(clip)
        if not target.width or not target.height:
            return
        part = _seen(pane, target)
        size = max(1, round(part.width * pane.scale)), max(1, round(part.height * pane.scale))
        image = self.to_bgrx(frame if part.size == frame.size else frame.cut(part), size)
        _paste(
            canvas,
            image,
            target,
            round(pane.left + part.x * pane.scale),
            round(pane.top + part.y * pane.scale),
        )

    def _paint_mask(self, canvas: UInt8Array, pane: Pane, shown: Shown) -> None:
        target = pane.place
        part = _seen(pane, target)
        # The map may have half the size of the frame, rounded up; the part is even.
        step = round(shown.frame.width / shown.class_map.shape[1])
        rows = slice(part.y // step, -(-(part.y + part.height) // step))
        columns = slice(part.x // step, -(-(part.x + part.width) // step))
        size = max(1, round(part.width * pane.scale)), max(1, round(part.height * pane.scale))
        small = np.ascontiguousarray(shown.class_map[rows, columns])
        image = cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)
        left, top = round(pane.left + part.x * pane.scale), round(pane.top + part.y * pane.scale)
        _paste(canvas, _colored(np.asarray(image, np.uint8), shown.palette), target, left, top)

    def to_bgrx(self, frame: Frame, size: Size) -> UInt8Array:
        """A frame in any pixel format -> (h, w, 4) uint8 BGRX of this size (width, height).

        Planes are scaled as they are, and colours converted at the size that is asked for.
        """
        if frame.pixel_format == "bgr24":
            return np.asarray(cv2.cvtColor(resized(frame.planes[0], size), cv2.COLOR_BGR2BGRA), np.uint8)
        width, height = (side + side % 2 for side in size)
        half = width // 2, height // 2
        # libswscale's fastest way leaves out the last columns of other widths.
        picture = VideoFrame(-(-width // _SWSCALE_COLUMNS) * _SWSCALE_COLUMNS, height, "yuv420p")
        for plane, source, extent in zip(
            picture.planes, frame.planes, ((width, height), half, half), strict=True
        ):
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
            fits = (source.shape[1], source.shape[0]) == extent
            rows[: extent[1], : extent[0]] = source if fits else resized(source, extent)
        # Said with each picture: what a frame is tagged with is not always what it means (video/planes.py).
        converted = self._reformatter.reformat(
            picture,
            format="bgra",
            src_colorspace=SWSCALE_MATRICES[frame.color.matrix],
            src_color_range=ColorRange.JPEG if frame.color.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        plane = converted.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size // 4, 4)  # type: ignore[call-overload]
        return np.asarray(rows[: size[1], : size[0]], np.uint8)


def _seen(pane: Pane, target: Rect) -> Tile:
    """The part of the picture that covers the target: even, so that it is whole pixels of chroma too."""
    starts, extents = [], []
    for corner, first, last, side in (
        (pane.left, target.x, target.right, pane.picture[0]),
        (pane.top, target.y, target.bottom, pane.picture[1]),
    ):
        start = max(0, int((first - corner) / pane.scale)) // 2 * 2
        end = int(np.ceil((last - corner) / pane.scale))
        end = min(side, end + end % 2)
        starts.append(min(start, max(0, side - 1) // 2 * 2))
        extents.append(max(1, end - starts[-1]))
    return Tile(starts[0], starts[1], extents[0], extents[1])


def _paste(canvas: UInt8Array, image: UInt8Array, target: Rect, left: int, top: int) -> None:
    """Lay the image with its corner at (left, top) onto the target; an edge that falls short is repeated."""
    rows = np.clip(np.arange(target.y, target.bottom) - top, 0, image.shape[0] - 1)
    columns = np.clip(np.arange(target.x, target.right) - left, 0, image.shape[1] - 1)
    window = canvas[target.y : target.bottom, target.x : target.right]
    inside = rows[-1] - rows[0] == target.height - 1 and columns[-1] - columns[0] == target.width - 1
    if inside:
        window[:] = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    else:
        window[:] = image[np.ix_(rows, columns)]


def _colored(class_map: UInt8Array, palette: Palette) -> UInt8Array:
    """(h, w) -> (h, w, 4) BGRX in the colours of the classes; black where one is not shown."""
    table = np.zeros((256, 4), np.uint8)
    table[:, 3] = 255
    for index, color in enumerate(palette):
        if color is not None:
            table[index, :3] = color[::-1]
    codes = np.asarray(cv2.LUT(class_map, table.view(np.int32)))
    return codes.view(np.uint8).reshape(*class_map.shape, 4)
