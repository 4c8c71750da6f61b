"""Class maps as they come out: a folder of palette PNG, or a video of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from rtseg.errors import SinkError
from rtseg.frame import Segmentation
from rtseg.labels import Rgb
from rtseg.offline.copying import copy_video
from rtseg.offline.journal import beside
from rtseg.offline.part import Part
from rtseg.offline.writer import AddVideo, Writer
from rtseg.postprocess import frame_class_map
from rtseg.video.sinks import MaskSink, palette_png

MASK_KINDS = {".mov": "mov"}  # the kind that has always held PNG, and has exact times


def remove_masks(folder: Path) -> None:
    """Those of another run, which may have had more frames. Raises OSError."""
    for path in folder.glob("*.png"):
        if path.stem.isdecimal():
            path.unlink()


def is_video(masks: Path) -> bool:
    """Whether the class maps become a video, and not a folder of pictures. Raises SinkError."""
    ending = masks.suffix.lower()
    if ending and ending not in MASK_KINDS and not masks.is_dir():
        raise SinkError(
            f"{masks}: class maps go into a folder, or a video {' '.join(MASK_KINDS)}; {ending} is neither"
        )
    return ending in MASK_KINDS


def is_published(masks: Path) -> bool:
    """Whether the video has its name already: the run was ended later than that."""
    parts = (beside(masks, what) for what in ("part", "before"))
    return masks.is_file() and not any(part.exists() for part in parts)


def are_begun(masks: Path, first: int) -> bool:
    """Whether a run has left any, the first of which is of frame `first`."""
    if is_video(masks):
        return masks.is_file() or any(beside(masks, what).exists() for what in ("part", "before"))
    return (masks / f"{first:06d}.png").exists()


def count_masks(masks: Path, first: int, frames: int) -> int:
    """How many there are in a row, from the one of frame `first` on."""
    if is_video(masks):
        return max(_packets(beside(masks, what)) for what in ("part", "before"))
    for count in range(frames):
        if not (masks / f"{first + count:06d}.png").exists():
            return count
    return frames


def _packets(path: Path) -> int:
    try:
        with Part(path, 0) as part:
            return sum(1 for _ in part.packets())
    except (OSError, ValueError, IndexError):
        return 0


class MaskFolder:
    """Class maps as palette PNG, each whole under its name at once."""

    def __init__(self, folder: Path, palette: Sequence[Rgb]) -> None:
        self._sink = MaskSink(folder, palette)

    def write(self, segmentation: Segmentation) -> None:
        """One file a frame, named by its index."""
        self._sink.write(segmentation, segmentation.frame)

    def sync(self) -> tuple[float, ...]:
        """Every file is written already."""
        return ()

    def close(self, *, whole: bool) -> None:
        """Every file is finished already."""


class MaskVideo:
    """Class maps as a video of palette PNG: players show the colours, and the indices are kept."""

    def __init__(self, path: Path, palette: Sequence[Rgb], kept: int) -> None:
        """Kept is how many frames of an earlier run are to be taken over."""
        self._path = path
        self._palette = palette
        self._part, self._before = beside(path, "part"), beside(path, "before")
        self._kind = MASK_KINDS[path.suffix.lower()]
        self._writer: Writer | None = None
        self._add: AddVideo | None = None
        self._held: av.Packet[Any] | None = None
        if kept:
            if not is_published(path):
                self._take_over(kept)
        else:
            self._part.unlink(missing_ok=True)

    def _take_over(self, kept: int) -> None:
        if _packets(self._part) >= kept:
            self._part.replace(self._before)
        with Part(self._before, 0) as part:
            self._add = palette_pngs(part.video.width, part.video.height, part.video.time_base)
            self._writer = Writer(self._part, self._kind, None, self._add, final=False)
            for number, packet in enumerate(part.packets()):
                if number == kept:
                    break
                self._writer.write(packet)

    def write(self, segmentation: Segmentation) -> None:
        """One picture a frame, at the frame's time. Raises SinkError."""
        frame = segmentation.frame
        time_base = frame.time_base or Fraction(1, 90_000)
        if self._writer is None:
            self._add = palette_pngs(*frame.size, time_base)
            self._writer = Writer(self._part, self._kind, None, self._add, final=False)
        packet: av.Packet[Any] = av.Packet(
            palette_png(frame_class_map(segmentation, frame.size), self._palette)
        )
        packet.pts = packet.dts = frame.pts
        packet.time_base = time_base
        packet.is_keyframe = True
        self._pass_on(packet)

    def _pass_on(self, packet: av.Packet[Any] | None) -> None:
        """A packet is written when the next is there, for only then is known how long it lasts."""
        held, self._held = self._held, packet
        if held is not None and self._writer is not None:
            if packet is not None and packet.pts is not None and held.pts is not None:
                held.duration = max(0, packet.pts - held.pts)
            self._writer.write(held)

    def sync(self) -> tuple[float, ...]:
        """The file is flushed as it grows."""
        return ()

    def close(self, *, whole: bool) -> None:
        """Raises SinkError."""
        writer = self._writer
        if writer is None:
            return
        self._pass_on(None)
        self._writer = None
        writer.close(whole=whole)
        if not whole:
            return
        final = beside(self._path, "final")
        copy_video([self._part], final, self._kind, None, 0, self._add)
        final.replace(self._path)
        self._part.unlink()
        self._before.unlink(missing_ok=True)


def palette_pngs(width: int, height: int, time_base: Fraction | None) -> AddVideo:
    """Adds a stream of pictures. What FFmpeg finds out of it later would be too much: its pixel format."""

    def add(output: OutputContainer) -> av.VideoStream:
        stream = output.add_mux_stream("png", width=width, height=height)
        stream.time_base = time_base or Fraction(1, 90_000)
        assert isinstance(stream, av.VideoStream)
        return stream

    return add
