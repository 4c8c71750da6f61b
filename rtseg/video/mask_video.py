"""Class maps as a video that keeps each pixel: FFV1 (RFC 9043) in Matroska, grey, its value the class.

Every reader of it gives the classes as they are: OpenCV in all three channels of its BGR, PyAV as "gray".
Lossless H.264 would take half the CPU time, but OpenCV would stretch its values as if they were brightness.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation, Size
from rtseg.postprocess import frame_class_map
from rtseg.video.encoding import Times
from rtseg.video.video_file import VideoFile, told_as_sink_error
from rtseg.video.video_sink import USUAL_RATE

CLASSES_TAG = "RTSEG_CLASSES"
_CODEC = "ffv1"
# Every picture by itself, so that any can be sought; in four parts with checksums, on two threads.
_OPTIONS = {"level": "3", "coder": "rice", "slices": "4", "slicecrc": "1", "g": "1"}
_THREADS = 2


class MaskVideoSink:
    """A Matroska file of class maps at the size of the first frame; its tags hold the names of the classes.

    Times are those of the frames, rounded to milliseconds. As with VideoSink, it is .part until it is
    finished, and there is none before the first frame.
    """

    def __init__(self, path: Path, *, rate: Fraction | None, from_zero: bool = False) -> None:
        """The path ends in .mkv; rate and from_zero as with VideoSink. Raises SinkError."""
        if path.suffix.lower() != ".mkv":
            raise SinkError(f"{path}: class maps are kept whole in Matroska only; name it {path.stem}.mkv")
        self._path = path
        self._rate = rate or USUAL_RATE
        self._from_zero = from_zero
        self._open: tuple[VideoFile, Size, Times] | None = None

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Encode the class map of the frame. Raises SinkError."""
        frame = segmentation.frame
        with told_as_sink_error(self._path):
            if self._open is None:
                self._open = self._begun(segmentation)
            file, size, times = self._open
            class_map = np.ascontiguousarray(frame_class_map(segmentation, size))
            picture = VideoFrame.from_ndarray(class_map, format="gray")
            picture.color_range = ColorRange.JPEG
            file.encode(picture, times.pts(frame))

    def _begun(self, first: Segmentation) -> tuple[VideoFile, Size, Times]:
        times = Times(first.frame, from_zero=self._from_zero)
        file = VideoFile(self._path, times.time_base)
        file.container.metadata[CLASSES_TAG] = json.dumps(first.classes)
        context = file.add_encoder(_CODEC, self._rate, _OPTIONS)
        context.thread_count = _THREADS
        context.width, context.height = size = first.frame.size
        context.pix_fmt, context.color_range = "gray", ColorRange.JPEG
        return file, size, times

    def close(self) -> None:
        """Finish the file and give it its name. Raises SinkError."""
        opened, self._open = self._open, None
        if opened is not None:
            opened[0].finish()
