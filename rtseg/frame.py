"""What flows through rtseg: a Frame goes in, a Segmentation comes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
PixelFormat = Literal["bgr24", "yuv420p"]
Matrix = Literal["bt601", "bt709", "bt2020"]
Size = tuple[int, int]
"""Width and height in pixels, in this order everywhere."""


@dataclass(frozen=True)
class ColorSpace:
    """How YUV planes mean colours: the matrix (ITU-R BT.601, BT.709 or BT.2020) and the range.

    primaries and transfer are codes of ITU-T H.273 for what differs from the matrix's own standard, as in
    HDR video. Nothing is computed with them: they are carried from a source's tags to a recording's.
    """

    matrix: Matrix = "bt601"
    full_range: bool = False
    primaries: int | None = None
    transfer: int | None = None


@dataclass(frozen=True)
class Tile:
    """A part of a frame that is a picture of its own, in pixels of the frame.

    All four are even, so that it covers whole pixels of chroma planes too. One that does not play is no
    video: whatever is drawn there, the class map is zero.
    """

    x: int
    y: int
    width: int
    height: int
    playing: bool = True

    @property
    def size(self) -> Size:
        return self.width, self.height


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it came, with its place in time.

    planes: for "bgr24" one array (H, W, 3); for "yuv420p" three: Y (H, W), U and V (ceil(H/2), ceil(W/2));
    all uint8, whatever a video is coded in (rtseg.video.planes). Nobody writes into them: a decoder may still
    need them as a reference, and frames share them.
    index counts from 0 at the source, so that a gap is a dropped frame; captured_ns is `time.monotonic_ns()`
    when the picture arrived. pts times time_base is the presentation time in seconds; None where the source
    knows no time (a camera, a folder of pictures).
    """

    pixel_format: PixelFormat
    planes: tuple[UInt8Array, ...]
    index: int
    captured_ns: int
    pts: int | None = None
    time_base: Fraction | None = None
    color: ColorSpace = field(default_factory=ColorSpace)
    name: str = ""
    """Where the picture came from, for sources that are made of files."""
    tiles: tuple[Tile, ...] = ()
    """What is segmented of it, each tile by itself; empty where that is the whole frame."""

    @property
    def width(self) -> int:
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        return int(self.planes[0].shape[0])

    @property
    def size(self) -> Size:
        return self.width, self.height

    @property
    def seconds(self) -> float | None:
        """The presentation time in seconds."""
        if self.pts is None or self.time_base is None:
            return None
        return float(self.pts * self.time_base)

    @property
    def pictures(self) -> tuple[Size, ...]:
        """The (width, height) of what is segmented of it: of each tile, or of the whole frame."""
        return tuple(tile.size for tile in self.tiles) or (self.size,)

    @property
    def playing_share(self) -> float:
        """Which part of its pixels is video, 0 to 1."""
        if not self.tiles:
            return 1.0
        pixels = sum(tile.width * tile.height for tile in self.tiles if tile.playing)
        return pixels / (self.width * self.height)

    def cut(self, tile: Tile) -> Frame:
        """A tile as a frame of its own; its planes are views."""
        planes = []
        for number, plane in enumerate(self.planes):
            step = 2 if number else 1  # chroma planes have half the size
            rows = slice(tile.y // step, (tile.y + tile.height) // step)
            planes.append(plane[rows, tile.x // step : (tile.x + tile.width) // step])
        return replace(self, planes=tuple(planes), tiles=())


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A frame and what the network says of it.

    parts: logits (C, h, w) float32 at the network's stride, of the whole frame or of each of its tiles; class
    maps of any size are made from them by `rtseg.postprocess.frame_class_map`, so that each output pays only
    for the size that it needs. class_map is one (H, W) uint8 of the whole frame that was made along the way,
    on the GPU, or None. classes are the names of the indices in a class map: the network may be another one
    from one frame to the next.
    """

    frame: Frame
    parts: tuple[NDArray[np.float32], ...]
    preprocess_ns: int
    inference_ns: int
    class_map: UInt8Array | None = None
    classes: tuple[str, ...] = ()

    @property
    def logits(self) -> NDArray[np.float32]:
        """The logits of a frame that is one picture."""
        (logits,) = self.parts
        return logits
