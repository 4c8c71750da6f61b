"""A clip as a source of frames that knows where its segments begin, and that can begin at any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from rtseg.frame import Frame
from rtseg.offline.borders import Borders
from rtseg.offline.clock import Clock
from rtseg.video.file import VideoSource
from rtseg.video.troubles import videos_in

# Their packets say when they are shown, and after a seek the same as before.
_TIMED = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts"}
# They say nowhere how many frames they have, and FFmpeg passes over what it cannot read of them in silence.
_WITHOUT_INDEX = {"matroska,webm"}
_GAP_S = 1
_GAP_STEPS = 10
_SEEKS_BACK_S = (0, 5, 20)


@dataclass(frozen=True)
class Start:
    """A border to begin at."""

    pts: int
    index: int
    """How many frames come before it."""
    seekable: bool
    """Whether times were in order that far; else frames are counted from the beginning."""


class ClipReader(VideoSource):
    """Frames from a border on, up to another. One thread at a time reads."""

    def __init__(
        self,
        path: Path,
        *,
        number: int | None = None,
        start: Start | None = None,
        end: int | None = None,
        hwaccel: HWAccel | None = None,
    ) -> None:
        """Start and end are borders; None is the beginning, or the end, of the clip."""
        super().__init__(str(path), number=number, hwaccel=hwaccel)
        self._path = path
        self._start = start
        self._end = end
        reorders = self._container.format.name == "avi" and self._stream.codec_context.has_b_frames
        self.timed = self._container.format.name in _TIMED or (
            self._container.format.name == "avi" and not reorders
        )
        self.time_base = self._time_base
        self.stream_index = self._stream.index
        self.borders = Borders(self._time_base, start.pts if start and self._can_seek else None)
        self.repaired = not self.timed
        """Whether times were made up so far, so that no seek finds a frame by its time."""
        self.end_pts: int | None = None
        """When the last frame that was read ends."""
        self._clock = Clock()
        self._gaps: list[tuple[int, int]] = []  # where one begins, and how long it is
        self._display_matrix: tuple[int, ...] | None = None
        self.exhausted = False
        """Whether all frames that were asked for have been given."""

    @property
    def _can_seek(self) -> bool:
        return self._start is not None and self._start.seekable and self.timed

    @property
    def display_matrix(self) -> tuple[int, ...] | None:
        """How the picture is turned for display, as FFmpeg's nine numbers; known with the first frame."""
        return self._display_matrix

    @property
    def videos(self) -> tuple[str, ...]:
        """All videos of the file that are no cover pictures, in words."""
        return videos_in(self._container)

    @property
    def pixel_format(self) -> str | None:
        """FFmpeg's name of it, as far as the headers say."""
        return self._stream.codec_context.pix_fmt

    @property
    def uses_hardware(self) -> bool:
        """Whether something other than the CPU decodes."""
        return self._stream.codec_context.is_hwaccel

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel over its height, where it is not square or not known."""
        return self._stream.sample_aspect_ratio

    def frames(self) -> Iterator[Frame]:
        """As of VideoSource, from start to end; indices count from the beginning of the clip."""
        start, end = self._start, self._end
        index = start.index if start else 0
        by_time = self._can_seek
        for frame in super().frames():
            assert frame.pts is not None
            if not self.timed:
                self.borders.see(frame.pts, is_key=False)
            if start and (frame.pts < start.pts if by_time and self._can_seek else frame.index < start.index):
                continue
            if end is not None and frame.pts >= end:
                self.end_pts = end
                break
            yield replace(frame, index=index)
            index += 1
        self.exhausted = True
        if self._gaps:
            after, missing = max(self._gaps, key=lambda gap: gap[1])
            longest = f"the longest {float(missing * self._time_base):.1f} s from second "
            self.troubles.append(
                f"{self.name} has places without a frame, {len(self._gaps)} in all, {longest}"
                f"{float(after * self._time_base):.1f} on: it may be damaged there"
            )

    def scan(self) -> Iterator[int]:
        """The time of each frame in the order of the packets, none of which is decoded; finds all borders."""
        for packet in self._packets():
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    self.repaired = True
                else:
                    yield packet.pts

    def _frame(self, frame: VideoFrame, index: int, pts: int) -> Frame:
        if self._display_matrix is None and index == 0:
            for side in cast(
                "Iterable[SideData]", frame.side_data
            ):  # a mapping that iterates over its values
                if side.type.name == "DISPLAYMATRIX":
                    numbers = memoryview(bytes(side)).cast("i")
                    self._display_matrix = tuple(numbers)
        if self._container.format.name in _WITHOUT_INDEX and self.end_pts is not None:
            missing = pts - self.end_pts
            if missing * self._time_base > _GAP_S and missing > _GAP_STEPS * self._step:
                self._gaps.append((self.end_pts, missing))
        self.end_pts = pts + (frame.duration or self._step)
        return super()._frame(frame, index, pts)

    def _pts(self, frame: VideoFrame) -> int:
        pts = super()._pts(frame)
        if pts != frame.pts:
            self.repaired = True
        return pts

    def _packets(self) -> Iterator[av.Packet[Any]]:
        for packet in self._from_border():
            self._clock.correct(packet)
            if self._clock.jumps:
                self.repaired = True
            if self.timed and packet.pts is not None and not packet.is_discard:
                self.borders.see(packet.pts, is_key=packet.is_keyframe)
            yield packet

    def _from_border(self) -> Iterator[av.Packet[Any]]:
        """From the key frame at or before the start; from the first packet if that cannot be found."""
        if self._start is None or not self._can_seek:
            yield from super()._packets()
            return
        for back_s in _SEEKS_BACK_S:
            goal = self._start.pts - round(back_s / self._time_base)
            try:
                self._container.seek(goal, stream=self._stream)
                first = self._first_key()
            except (av.error.FFmpegError, OSError):
                break
            if first is not None and first.pts is not None and first.pts <= self._start.pts:
                yield first
                yield from super()._packets()
                return
        self._reopen()
        self._start = replace(self._start, seekable=False)
        self.borders = Borders(self._time_base)
        yield from super()._packets()

    def _first_key(self) -> av.Packet[Any] | None:
        for packet in self._container.demux(self._stream):
            if packet.is_keyframe and packet.size:
                return packet
        return None

    def _reopen(self) -> None:
        """For files in which a seek leads nowhere."""
        self._container.close()
        self._use(self._open(self._path))
