"""Video files and network streams, decoded by FFmpeg (PyAV) to planes as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from rtseg.errors import SourceError
from rtseg.frame import ColorSpace, Frame, UInt8Array
from rtseg.video.source import BaseSource, is_url
from rtseg.video.troubles import Expected, explain, held_back

_OPEN_TIMEOUT_S = 8.0
_READ_TIMEOUT_S = 8.0
# A file or playlist is untrusted: it must not make FFmpeg fetch other files or hosts by other ways.
_FILE_PROTOCOLS = "file"
_URL_PROTOCOLS = "http,https,tcp,tls,udp,rtp,rtsp,rtsps,rtmp,srt,crypto,httpproxy"
_PLANAR_420 = {"yuv420p", "yuvj420p"}
_MAX_SIDE = 16384
_MAX_ERRORS_IN_A_ROW = 100
# ITU-T H.273, MatrixCoefficients: BT.709, and BT.2020, which lies nearer to it than to BT.601.
_BT709_LIKE = {1, 9, 10}
_UNTAGGED = 2


class VideoSource(BaseSource):
    """A video file, or a URL of a stream."""

    def __init__(self, uri: str) -> None:
        """Open and look at the first video stream. Raises SourceError for anything that has none."""
        super().__init__(re.sub(r"//[^/@]*@", "//", uri))
        self._remote = is_url(uri)
        scheme = uri.partition(":")[0].lower()
        if self._remote and scheme not in _URL_PROTOCOLS.split(","):
            raise SourceError(
                f"{self.name}: {scheme} is no protocol that is read here; use http, https, rtsp, rtmp or srt"
            )
        options = {"protocol_whitelist": _URL_PROTOCOLS if self._remote else _FILE_PROTOCOLS}
        if scheme in {"rtsp", "rtsps"}:
            options["rtsp_transport"] = "tcp"  # UDP loses packets, and with them whole groups of pictures
        if not self._remote:
            self.files = (Path(uri),)
        self._asked_at = time.monotonic()
        try:
            self._container = av.open(
                # With its protocol spelt out, no name of a file is taken for another protocol.
                uri if self._remote else f"file:{Path(uri).absolute()}",
                options=options,
                timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S),
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._failed(error, _OPEN_TIMEOUT_S) from error
        try:
            self._stream = self._video_stream()
        except SourceError:
            self.close()
            raise
        # A file on a web server has an end, and waits for us; a camera's stream has none, and does not.
        self.live = self._remote and not (scheme in {"http", "https"} and self._container.duration)
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or self._stream.guessed_rate
        self._time_base = self._stream.time_base or Fraction(1, 90_000)
        self._step = max(1, round(1 / (self.rate or 30) / self._time_base))
        self._last_pts: int | None = None
        self._expected = Expected.of(self._container, self._stream)
        self.frame_count = None if self.live else self._expected.frames

    def _video_stream(self) -> av.VideoStream:
        if self._container.format.name == "tty":  # FFmpeg plays any text as a film of a terminal
            raise SourceError(f"{self.name}: is text; expected a video")
        streams = self._container.streams
        videos = [stream for stream in streams.video if not stream.disposition & Disposition.attached_pic]
        if not videos:
            kinds = ", ".join(sorted({stream.type for stream in streams if stream not in streams.video}))
            raise SourceError(
                f"{self.name}: has no video in it, only {kinds or 'nothing'}; give another file"
            )
        codec = videos[0].codec_context
        if codec is None:
            raise SourceError(
                f"{self.name}: its video is of a kind that this FFmpeg cannot decode; convert it to H.264"
            )
        if max(codec.width, codec.height) > _MAX_SIDE:
            raise SourceError(
                f"{self.name}: is {codec.width}x{codec.height}; at most {_MAX_SIDE} pixels a side are decoded"
            )
        return videos[0]

    def _failed(self, error: Exception, timeout_s: float) -> SourceError:
        # After a time-out FFmpeg gives an error that differs by protocol.
        late = isinstance(error, av.error.ExitError) or time.monotonic() - self._asked_at >= timeout_s
        gave_up = self._remote and late
        reason = explain(error, remote=self._remote, gave_up_after_s=timeout_s if gave_up else None)
        return SourceError(f"{self.name}: {reason}")

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
        if not self.live and (trouble := self._expected.trouble(index, end, self._unreadable + faulty)):
            self.troubles.append(f"{self.name} is {trouble}")

    def _decoded(self) -> Iterator[VideoFrame]:
        self._unreadable = 0
        for packet in held_back(self._packets(), hold=not self.live):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                self._unreadable += 1

    def _packets(self) -> Iterator[av.Packet[Any]]:
        """Packets of the video stream, past unreadable places; the last one flushes the decoder."""
        in_a_row = 0
        packets = self._container.demux(self._stream)
        while in_a_row < _MAX_ERRORS_IN_A_ROW:
            self._asked_at = time.monotonic()
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self._unreadable += not in_a_row
                in_a_row += 1
                packets = self._container.demux(self._stream)
            except (av.error.FFmpegError, OSError) as error:
                raise self._failed(error, _READ_TIMEOUT_S) from error
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
        planes, color = _planes(frame)
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
        """Close the file or the connection."""
        self._container.close()


def _planes(frame: VideoFrame) -> tuple[tuple[UInt8Array, ...], ColorSpace]:
    """A decoded frame of any format as 8-bit planes 4:2:0, and what they mean."""
    pixels = frame.format
    matrix: Any = "bt709" if not pixels.is_rgb and _is_bt709(frame) else "bt601"
    full_range = frame.color_range == ColorRange.JPEG or pixels.name.startswith("yuvj")
    if pixels.name in _PLANAR_420:
        return tuple(_plane(frame, number) for number in range(3)), ColorSpace(matrix, full_range)
    if len(pixels.components) == 1 and not pixels.has_palette:
        # By itself, libswscale takes all grey for full range, whatever its tag says.
        grey = _plane(frame.reformat(format="gray"), 0)
        neutral = np.full(((frame.height + 1) // 2, (frame.width + 1) // 2), 128, np.uint8)
        return (grey, neutral, neutral), ColorSpace(matrix, frame.color_range != ColorRange.MPEG)
    full_range = full_range and not pixels.is_rgb
    color_range = ColorRange.JPEG if full_range else ColorRange.MPEG
    # Said in full, for PyAV's versions differ in what they leave to libswscale to guess.
    planar = frame.reformat(
        format="yuv420p",
        src_color_range=None if pixels.is_rgb else color_range,
        dst_color_range=color_range,
        dst_colorspace=Colorspace.ITU709 if matrix == "bt709" else Colorspace.ITU601,
        src_colorspace=Colorspace.ITU709 if matrix == "bt709" else Colorspace.ITU601,
    )
    return tuple(_plane(planar, number) for number in range(3)), ColorSpace(matrix, full_range)


def _plane(frame: VideoFrame, number: int) -> UInt8Array:
    """One plane without a copy; the array keeps the frame's memory alive."""
    plane = frame.planes[number]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    array: UInt8Array = rows[: plane.height, : plane.width]
    return array


def _is_bt709(frame: VideoFrame) -> bool:
    if frame.colorspace in _BT709_LIKE:
        return True
    # Untagged video: the size tells, as all players do it.
    return frame.colorspace == _UNTAGGED and frame.height >= 720
