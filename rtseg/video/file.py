"""Video files and network streams, decoded by FFmpeg (PyAV) to planes as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from rtseg.errors import SourceError
from rtseg.frame import ColorSpace, Frame, UInt8Array
from rtseg.video.source import BaseSource

_OPEN_TIMEOUT_S = 8.0
_READ_TIMEOUT_S = 8.0
# A file or playlist is untrusted: it must not make FFmpeg fetch other files or hosts by other ways.
_FILE_PROTOCOLS = "file"
_URL_PROTOCOLS = "http,https,tcp,tls,udp,rtp,rtsp,rtsps,rtmp,srt,crypto,httpproxy"
_PLANAR_420 = {"yuv420p", "yuvj420p"}
_MAX_SIDE = 16384


class VideoSource(BaseSource):
    """A video file, or a URL of a stream."""

    def __init__(self, uri: str) -> None:
        """Open and look at the first video stream. Raises SourceError for anything that has none."""
        super().__init__(re.sub(r"//[^/@]*@", "//", uri))
        self.live = "://" in uri
        options = {"protocol_whitelist": _URL_PROTOCOLS if self.live else _FILE_PROTOCOLS}
        if uri.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # UDP loses packets, and with them whole groups of pictures
        try:
            self._container = av.open(uri, options=options, timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self.name}: {_reason(error, live=self.live)}") from error
        if not self._container.streams.video:
            kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "no streams"
            self.close()
            raise SourceError(f"{self.name}: has no video in it (only {kinds})")
        self._stream = self._container.streams.video[0]
        codec = self._stream.codec_context
        if max(codec.width, codec.height) > _MAX_SIDE:
            self.close()
            raise SourceError(
                f"{self.name}: is {codec.width}x{codec.height}; at most {_MAX_SIDE} pixels a side are decoded"
            )
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or self._stream.guessed_rate
        self.frame_count = None if self.live else self._stream.frames or self._estimate()

    @property
    def time_base(self) -> Fraction | None:
        """Seconds a tick of the frames' pts."""
        return self._stream.time_base

    def frames(self) -> Iterator[Frame]:
        """Every frame in order of presentation; unreadable parts are skipped and told in `troubles`."""
        index = 0
        unreadable = 0
        for packet_or_error in self._packets():
            if isinstance(packet_or_error, av.error.FFmpegError):
                unreadable += 1
                continue
            try:
                decoded = packet_or_error.decode()
            except av.error.InvalidDataError:
                unreadable += 1
                continue
            for frame in decoded:
                yield self._frame(frame, index)
                index += 1
        self._tell(index, unreadable)

    def _packets(self) -> Iterator[av.Packet[Any] | av.error.FFmpegError]:
        """Packets of the video stream; an unreadable one as its error, the last one flushes the decoder."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except av.error.InvalidDataError as error:
                yield error
                return
            except (av.error.FFmpegError, OSError) as error:
                raise SourceError(f"{self.name}: {_reason(error, live=self.live)}") from error

    def _frame(self, frame: av.VideoFrame, index: int) -> Frame:
        captured_ns = time.monotonic_ns()
        full_range = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        if frame.format.name not in _PLANAR_420:
            planar = frame.reformat(format="yuv420p")
            planar.pts, planar.time_base = frame.pts, frame.time_base
            # libswscale gives limited range for all that is not tagged, RGB and grey included.
            full_range = planar.color_range == ColorRange.JPEG
            frame_bt709 = _is_bt709(frame) and not frame.format.is_rgb
            frame = planar
        else:
            frame_bt709 = _is_bt709(frame)
        return Frame(
            "yuv420p",
            tuple(_plane(frame, number) for number in range(3)),
            index=index,
            captured_ns=captured_ns,
            pts=frame.pts,
            time_base=frame.time_base,
            color=ColorSpace("bt709" if frame_bt709 else "bt601", full_range),
        )

    def _tell(self, decoded: int, unreadable: int) -> None:
        if decoded == 0:
            raise SourceError(f"{self.name}: has no frame that can be decoded")
        announced = self._stream.frames
        if not self.live and announced > decoded:
            self.troubles.append(
                f"{self.name} is cut off or damaged: {decoded} of {announced} frames could be read"
            )
        elif unreadable:
            self.troubles.append(f"{self.name} is damaged: {unreadable} parts could not be read")

    def _estimate(self) -> int | None:
        if self._container.duration is None or self.rate is None:
            return None
        return round(self._container.duration / av.time_base * self.rate) or None

    def close(self) -> None:
        """Close the file or the connection."""
        self._container.close()


def _plane(frame: av.VideoFrame, number: int) -> UInt8Array:
    """One plane without a copy; the array keeps the frame's memory alive."""
    plane = frame.planes[number]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    array: UInt8Array = rows[: plane.height, : plane.width]
    return array


def _is_bt709(frame: av.VideoFrame) -> bool:
    if frame.colorspace == Colorspace.ITU709:
        return True
    # Untagged video: the size tells, as all players do it.
    return frame.colorspace == Colorspace.DEFAULT and frame.height >= 720


def _reason(error: Exception, *, live: bool) -> str:
    """What FFmpeg's error means to the person who named the source."""
    if isinstance(error, av.error.InvalidDataError):
        return (
            "is no video that can be read: not a video at all, or cut off before its index was written"
            if not live
            else "answers, but not with a video"
        )
    if live:
        return f"cannot be reached within {_OPEN_TIMEOUT_S:.0f} s or stopped answering ({_short(error)})"
    return f"cannot be read ({_short(error)})"


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
