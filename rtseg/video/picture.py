"""Frames as an encoder takes them: pictures of one size and pixel format, with their colours named."""

from __future__ import annotations

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter

from rtseg.frame import ColorSpace, Frame, Size
from rtseg.video.planes import SWSCALE_MATRICES, tags

_HIGH_DEFINITION = 720


class Pictures:
    """What all pictures of a video have in common, and the making of each from a frame."""

    def __init__(self, size: Size, color: ColorSpace) -> None:
        self.size = size
        self.color = color
        # Chroma of half the size needs even sides; the others keep every pixel at full chroma.
        self.pixel_format = "yuv420p" if size[0] % 2 == size[1] % 2 == 0 else "yuv444p"
        self._range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
        self._reformatter = VideoReformatter()  # kept: setting one up for each picture is slow

    @classmethod
    def like(cls, frame: Frame, size: Size | None = None) -> Pictures:
        """Pictures with the colours of this frame; of its size, if no other is given."""
        if frame.pixel_format == "bgr24":  # it has no colour space of its own: the usual one of its size
            return cls(
                size or frame.size, ColorSpace("bt709" if frame.height >= _HIGH_DEFINITION else "bt601")
            )
        return cls(size or frame.size, frame.color)

    def describe_to(self, context: VideoCodecContext) -> None:
        """Tell an encoder that is not open yet."""
        context.width, context.height = self.size
        context.pix_fmt = self.pixel_format
        context.color_range = self._range
        context.colorspace, context.color_primaries, context.color_trc = tags(self.color)

    def __call__(self, frame: Frame) -> VideoFrame:
        """The frame as a picture, scaled where it has another size; its time is the caller's to set."""
        matrix = SWSCALE_MATRICES[self.color.matrix]
        is_rgb = frame.pixel_format == "bgr24"
        if is_rgb:
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame.planes[0]), format="bgr24")
        else:
            picture = VideoFrame(frame.width, frame.height, "yuv420p")
            for plane, source in zip(picture.planes, frame.planes, strict=True):
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
                rows[: plane.height, : plane.width] = source
            picture.colorspace, picture.color_primaries, picture.color_trc = tags(self.color)
            picture.color_range = self._range
        if (picture.format.name, *frame.size) != (self.pixel_format, *self.size):
            picture = self._reformatter.reformat(
                picture,
                width=self.size[0],
                height=self.size[1],
                format=self.pixel_format,
                src_colorspace=None if is_rgb else matrix,
                dst_colorspace=matrix,
                src_color_range=None if is_rgb else self._range,
                dst_color_range=self._range,
                threads=1,  # the encoder has the others
            )
        return picture
