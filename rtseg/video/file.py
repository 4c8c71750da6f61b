"""Video files, decoded by FFmpeg (PyAV) to planes as they come."""

from __future__ import annotations

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
from rtseg.video.planes import planes_of
from rtseg.video.source import BaseSource
from rtseg.video.troubles import Expected, explain, held_back, video_stream
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
        if container is None:
            self.files = (Path(uri),)
            container = self._open(Path(uri), hwaccel)
        self._container = container
        try:
            self._stream = video_stream(self.name, self._container, number)
        except SourceError:
            self.close()
            raise
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = share("offline").decoder
        self.size = self._stream.width, self._stream.height
        self.rate = self._stream.average_rate or self._stream.guessed_rate
        self._time_base = self._stream.time_base or Fraction(1, 90_000)
        self._step = max(1, round(1 / (self.rate or 30) / self._time_base))
        self._last_pts: int | None = None
        self._expected = Expected.of(self._container, self._stream)
        self.frame_count = self._expected.frames

    def _open(self, path: Path, hwaccel: HWAccel | None) -> InputContainer:
        try:
            return open_file(path, hwaccel)
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
        if trouble := self._expected.trouble(index, end, self._unreadable + faulty):
            self.troubles.append(f"{self.name} is {trouble}")

    def _decoded(self) -> Iterator[VideoFrame]:
        self._unreadable = 0
        for packet in held_back(self._packets(), hold=True):
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
