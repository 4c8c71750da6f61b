"""Frames as a video encoder takes them: of one size, their colours said, their times ever forward."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter

from rtseg.frame import ColorSpace, Frame
from rtseg.video.planes import SWSCALE_MATRICES, tags

CODEC = "libx264"
_CLOCK = Fraction(1, 90_000)  # for sources without presentation times: a tick fine enough for any camera


class Times:
    """Presentation times of a recording, each frame's own; from the clock where the source knows none."""

    def __init__(self, first: Frame, *, from_zero: bool = False) -> None:
        """With from_zero the first frame is at zero, else at its own time, if that is not before zero."""
        self.time_base = first.time_base or _CLOCK
        self._first_ns = first.captured_ns
        first_pts = first.pts or 0
        self._shift = -first_pts if from_zero else max(0, -first_pts)  # players leave out what lies before 0
        self._last_pts: int | None = None

    def pts(self, frame: Frame) -> int:
        """In ticks of the time base; never the same twice."""
        if frame.pts is not None:
            pts = frame.pts + self._shift
        else:
            pts = round((frame.captured_ns - self._first_ns) / 1e9 / _CLOCK)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts


class Pictures:
    """Frames of any size and pixel format as H.264 of the first one's size and colours takes them."""

    def __init__(self, context: VideoCodecContext, first: Frame) -> None:
        """Tells the encoder the size, the pixel format and what the colours mean."""
        self.size = context.width, context.height = first.size
        # Chroma of half the size needs even sides; the others keep every pixel at full chroma.
        self._pix_fmt = "yuv420p" if first.width % 2 == first.height % 2 == 0 else "yuv444p"
        context.pix_fmt = self._pix_fmt
        if first.pixel_format == "bgr24":  # it has no colour space of its own: the usual one of its size
            self._color = ColorSpace("bt709" if first.height >= 720 else "bt601")
        else:
            self._color = first.color
        self._range = ColorRange.JPEG if self._color.full_range else ColorRange.MPEG
        context.color_range = self._range
        context.colorspace, context.color_primaries, context.color_trc = tags(self._color)
        self._reformatter = VideoReformatter()  # kept: setting one up for each picture is slow

    def picture(self, frame: Frame) -> VideoFrame:
        """The frame for the encoder, scaled where it has another size; without a time yet."""
        if frame.pixel_format == "bgr24":
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame.planes[0]), format="bgr24")
        else:
            picture = VideoFrame(frame.width, frame.height, "yuv420p")
            for plane, source in zip(picture.planes, frame.planes, strict=True):
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
                rows[: plane.height, : plane.width] = source
            picture.colorspace, picture.color_primaries, picture.color_trc = tags(self._color)
            picture.color_range = self._range
        if (picture.format.name, frame.size) == (self._pix_fmt, self.size):
            return picture
        matrix = SWSCALE_MATRICES[self._color.matrix]
        is_rgb = frame.pixel_format == "bgr24"
        return self._reformatter.reformat(
            picture,
            width=self.size[0],
            height=self.size[1],
            format=self._pix_fmt,
            src_colorspace=None if is_rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=None if is_rgb else self._range,
            dst_color_range=self._range,
            threads=1,  # the encoder has the others
        )
