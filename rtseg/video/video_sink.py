"""Blended frames into a video, each at the time that it had in its source (PyAV, H.264)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation, Size

_CODEC = "libx264"
_OPTIONS = {"preset": "veryfast", "crf": "20"}
_CLOCK = Fraction(1, 90_000)  # for sources without presentation times: a tick fine enough for any camera


class VideoSink:
    """An H.264 video. It appears under its name when it is finished, and until then beside it as .part."""

    def __init__(self, path: Path, *, rate: Fraction | None) -> None:
        """Rate is the source's frames a second, where known: players show it, times do not depend on it."""
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._rate = rate or Fraction(30)
        self._size: Size | None = None
        self._stream: VideoStream | None = None
        self._first_ns = 0
        self._last_pts: int | None = None
        self._closed = False
        try:
            name = _container_format(path)
            self._container = av.open(str(self._part), "w", format=name)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"{path}: cannot be written as a video ({error})") from error

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Encode the blended frame at its own time. Raises SinkError."""
        try:
            if self._stream is None:
                self._stream = self._open(blended)
            if blended.size != self._size:
                raise SinkError(
                    f"{self._path}: frame {blended.index} is {blended.width}x{blended.height}, the video "
                    f"{self._size}; pictures of different sizes go into a folder, not into one video"
                )
            self._container.mux(self._stream.encode(self._picture(blended, self._stream)))
        except (av.error.FFmpegError, OSError) as error:
            raise SinkError(f"{self._path}: cannot be written ({error})") from error

    def _open(self, frame: Frame) -> VideoStream:
        stream = self._container.add_stream(_CODEC, rate=self._rate, options=_OPTIONS)
        assert isinstance(stream, VideoStream)
        self._size = stream.width, stream.height = frame.size
        # Chroma of half the size needs even sides; the others keep every pixel at full chroma.
        stream.pix_fmt = "yuv420p" if frame.width % 2 == frame.height % 2 == 0 else "yuv444p"
        stream.codec_context.time_base = frame.time_base or _CLOCK
        context = stream.codec_context
        context.color_range = ColorRange.JPEG if frame.color.full_range else ColorRange.MPEG
        context.colorspace = Colorspace.ITU709 if frame.color.matrix == "bt709" else Colorspace.ITU601
        self._first_ns = frame.captured_ns
        return stream

    def _picture(self, frame: Frame, stream: VideoStream) -> av.VideoFrame:
        if frame.pixel_format == "bgr24":
            picture = av.VideoFrame.from_ndarray(frame.planes[0], format="bgr24")
        else:
            picture = av.VideoFrame(frame.width, frame.height, "yuv420p")
            for plane, source in zip(picture.planes, frame.planes, strict=True):
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
                rows[: plane.height, : plane.width] = source
            picture.colorspace = stream.codec_context.colorspace
            picture.color_range = stream.codec_context.color_range
        if picture.format.name != stream.pix_fmt:
            picture = picture.reformat(format=stream.pix_fmt, dst_colorspace=stream.codec_context.colorspace)
        picture.pts = self._pts(frame)
        picture.time_base = frame.time_base or _CLOCK
        return picture

    def _pts(self, frame: Frame) -> int:
        """The frame's own time; from the clock where the source knows none, and never twice the same."""
        if frame.pts is not None:
            pts = frame.pts
        else:
            pts = round((frame.captured_ns - self._first_ns) / 1e9 / _CLOCK)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts

    def close(self) -> None:
        """Flush the encoder, finish the file and give it its name."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._stream is None:
                self._part.unlink(missing_ok=True)  # no frame came: no file is better than an empty one
            else:
                self._part.replace(self._path)
        except (av.error.FFmpegError, OSError) as error:
            raise SinkError(f"{self._path}: cannot be finished ({error}); see {self._part}") from error


def _container_format(path: Path) -> str:
    suffix = path.suffix.lower()
    formats = {
        ".mp4": "mp4",
        ".m4v": "mp4",
        ".mov": "mov",
        ".mkv": "matroska",
        ".avi": "avi",
        ".ts": "mpegts",
    }
    if suffix not in formats:
        raise SinkError(f"{path}: unknown kind of video {suffix!r}; use one of {' '.join(formats)}")
    return formats[suffix]
