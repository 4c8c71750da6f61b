"""Where segmented frames go: a video, class maps, pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation, UInt8Array
from rtseg.labels import Rgb
from rtseg.postprocess import class_map
from rtseg.preprocess import to_bgr
from rtseg.video.outputs import write_file


class Sink(Protocol):
    """Takes frames in order. Written to and closed by one thread."""

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Take a frame: what the network said of it, and the frame with its classes tinted."""

    def close(self) -> None:
        """Finish the output; harmless when done twice. Raises SinkError when that fails."""


class MaskSink:
    """Class maps at the size of the frames, as palette PNG: the index of a pixel is its class."""

    def __init__(self, folder: Path, palette: Sequence[Rgb]) -> None:
        self._folder = folder
        # FFmpeg's pal8 keeps colours as native 32-bit 0xAARRGGBB.
        colors = np.zeros((256, 4), np.uint8)
        colors[: len(palette)] = [(blue, green, red, 255) for red, green, blue in palette]
        self._palette = colors

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """One file a frame: named like a picture that was the source, else by its index."""
        frame = segmentation.frame
        path = self._folder / f"{_stem(frame)}.png"
        # A PNG carries one picture, and an encoder one stream of them: a new encoder a file.
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height = frame.size
        encoder.pix_fmt = "pal8"
        encoder.time_base = 1  # type: ignore[assignment]
        picture = av.VideoFrame.from_ndarray(
            (class_map(segmentation.logits, frame.size), self._palette),  # type: ignore[arg-type]
            format="pal8",
        )
        picture.pts = 0
        packets = [*encoder.encode(picture), *encoder.encode(None)]
        write_file(path, b"".join(bytes(packet) for packet in packets))

    def close(self) -> None:
        """Every file is finished already."""


class PictureSink:
    """Blended frames as PNG files in a folder: the output for pictures that came as files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """One file a frame, named like its source."""
        write_png(self._folder / f"{_stem(blended)}.png", to_bgr(blended))

    def close(self) -> None:
        """Every file is finished already."""


class LastPictureSink:
    """The last blended frame as one PNG; `decorate` may draw a legend into it, in place."""

    def __init__(self, path: Path, decorate: Callable[[UInt8Array], None]) -> None:
        self._path = path
        self._decorate = decorate
        self._last: Frame | None = None

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Keep the frame."""
        self._last = blended

    def close(self) -> None:
        """Write the one that was kept."""
        if self._last is not None:
            picture = to_bgr(self._last).copy()
            self._decorate(picture)
            write_png(self._path, picture)
            self._last = None


def _stem(frame: Frame) -> str:
    return frame.name or f"{frame.index:06d}"


def write_png(path: Path, picture_bgr: UInt8Array) -> None:
    """Write a picture (H, W, 3) uint8 BGR. Raises SinkError."""
    ok, data = cv2.imencode(".png", picture_bgr)
    if not ok:
        height, width = picture_bgr.shape[:2]
        raise SinkError(f"{path}: a picture of {width}x{height} cannot be written as PNG")
    write_file(path, data.tobytes())
