"""Video files, decoded by FFmpeg (PyAV) to planes as they come."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.frame import VideoFrame

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.threads import share
from rtseg.video.connection import has_clock
from rtseg.video.planes import planes_of
from rtseg.video.source import BaseSource
from rtseg.video.troubles import Expected, check_plain, explain, held_back, video_stream
from rtseg.video.urls import redacted

# A file or playlist is untrusted: it must not make FFmpeg fetch other files or hosts by other ways.
_PROTOCOLS = "file"
_MAX_ERRORS_IN_A_ROW = 100


def open_file(path: Path, hwaccel: HWAccel | None = None) -> InputContainer:
    """A file for FFmpeg, whatever its name looks like. Raises FFmpegError, OSError or ValueError."""
    return av.open(
        # With its protocol spelt out, no name of a file is taken for another protocol.
        f"file:{path.absolute()}",
        mode="r",
        options={"protocol_whitelist": _PROTOCOLS},
        metadata_errors="replace",
        hwaccel=hwaccel,
    )


class VideoSource(BaseSource):
    """A video with an end: a file, or what a server has of one."""

    def __init__(
        self,
        uri: str,
        *,
        container: InputContainer | None = None,
        number: int | None = None,
        hwaccel: HWAccel | None = None,
    ) -> None:
        """Open and look at the first video stream, or the one of this number, counted from 0.

        container is an open one of a URL, whose packets somebody else reads (rtseg.video.stream). hwaccel is
        what decodes it, where it can. Raises SourceError for anything that has no such video.
        """
        super().__init__(redacted(uri))
        self._number = number
        self._hwaccel = hwaccel
        if container is None:
            self.files = (Path(uri),)
            container = self._open(Path(uri))
        self._use(container)
        self.size = self._stream.width, self._stream.height
        self.rate = self._stream.average_rate or self._stream.guessed_rate
        self._time_base = self._stream.time_base or Fraction(1, 90_000)
        self._step = max(1, round(1 / (self.rate or 30) / self._time_base))
        self._last_pts: int | None = None
        self._expected = Expected.of(self._container, self._stream)
        self.frame_count = self._expected.frames
        self.seekable = has_clock(self._container)
        self.duration_s = self._expected.length_s if self.seekable else None
        self._from_start = True

    def _use(self, container: InputContainer) -> None:
        self._container = container
        try:
            self._stream = video_stream(self.name, self._container, self._number)
        except SourceError:
            self.close()
            raise
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = share("offline").decoder

    def seek(self, seconds: float | None) -> None:
        """Have the next `frames()` begin at a key frame near this presentation time, before it if possible.

        With None they begin anew, as they do for a file that cannot be searched. Only between two `frames()`.
        Raises SourceError.
        """
        self._from_start = False
        self._last_pts = None
        if self.seekable and seconds is not None:
            try:
                self._container.seek(self._ticks(seconds), stream=self._stream)
                return
            except (av.error.FFmpegError, OSError):
                self.seekable = False
        self._container.close()
        self._use(self._open(self.files[0]))

    def _ticks(self, seconds: float) -> int:
        return math.floor(seconds / self._time_base)

    def hurry(self, on: bool) -> None:
        """Leave out frames that no other needs, as long as it is on: half of them with B-frames."""
        # Without times of their own, frames are counted, and then all are needed.
        self._stream.codec_context.skip_frame = "NONREF" if on and self.seekable else "DEFAULT"

    def _open(self, path: Path) -> InputContainer:
        try:
            return open_file(path, self._hwaccel)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self.name}: {explain(error, remote=False)}") from error

    def frames(self) -> Iterator[Frame]:
        """Every frame in order of presentation; unreadable parts are skipped and told in `troubles`."""
        index = 0
        faulty = 0
        end = Fraction(0)
        for frame in self._decoded():
            pts = self._pts(frame)
            end = (pts + (frame.duration or self._step)) * self._time_base
            faulty += frame.is_corrupt
            yield self._frame(frame, index, pts)
            index += 1
        if index == 0:
            raise SourceError(f"{self.name}: has no frame that can be decoded; it is empty, or cut off early")
        trouble = self._expected.trouble(index, end, self._unreadable + faulty)
        if trouble is not None and self._from_start:
            self.troubles.append(f"{self.name} is {trouble}")

    def _decoded(self) -> Iterator[VideoFrame]:
        self._unreadable = 0
        for packet in held_back(self._packets(), hold=True):
            check_plain(self.name, packet)
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                self._unreadable += 1

    def _packets(self) -> Iterator[av.Packet[Any]]:
        """Packets of the video stream, past unreadable places; the last one flushes the decoder."""
        in_a_row = 0
        packets = self._container.demux(self._stream)
        while in_a_row < _MAX_ERRORS_IN_A_ROW:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self._unreadable += not in_a_row
                in_a_row += 1
                packets = self._container.demux(self._stream)
            except (av.error.FFmpegError, OSError) as error:
                raise SourceError(f"{self.name}: {explain(error, remote=False)}") from error
            else:
                in_a_row = 0
                yield packet

    def _pts(self, frame: VideoFrame) -> int:
        """The frame's own time. Made up by the rate where it has none, or one that goes back.

        Raw H.264 has no times; AVI has those of decoding, out of order where there are B-frames.
        """
        pts = frame.pts
        if self._last_pts is None:
            pts = pts or 0
        elif pts is None or pts < self._last_pts:
            pts = self._last_pts + self._step
        elif pts == self._last_pts:  # Matroska rounds to milliseconds
            pts += 1
        self._last_pts = pts
        return pts

    def _frame(self, frame: VideoFrame, index: int, pts: int) -> Frame:
        captured_ns = time.monotonic_ns()
        planes, color = planes_of(frame)
        return Frame(
            "yuv420p",
            planes,
            index=index,
            captured_ns=captured_ns,
            pts=pts,
            time_base=self._time_base,
            color=color,
        )

    def close(self) -> None:
        """Close the file."""
        self._container.close()
