"""Blended frames into a video, each at the time that it had in its source (PyAV, H.264).

Times are exact in MP4 and MOV; Matroska rounds them to milliseconds, MPEG-TS to 1/90000 s.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.threads import share
from rtseg.video.encoding import CODEC, Times
from rtseg.video.picture import Pictures
from rtseg.video.video_file import FORMATS, VideoFile, told_as_sink_error

# Without adaptive quantisation, superfast gives pictures that are as good for their size as veryfast's with
# it, in about half of the CPU time (tools/bench_encoding.py). Without B-frames: with them and a variable
# rate, the MP4 muxer takes the video for shorter than it is, and players leave out its last frames.
ENCODER_OPTIONS = {"preset": "superfast", "aq-mode": "none", "crf": "24", "bf": "0"}
USUAL_RATE = Fraction(30)


class VideoSink:
    """An H.264 video. It appears under its name when it is finished, and until then beside it as .part.

    Nothing is made before the first frame comes. An MP4 is readable up to its last second even when the
    program is killed (FFmpeg 8.1 and newer).
    """

    def __init__(
        self, path: Path, *, rate: Fraction | None, scales: bool = False, from_zero: bool = False
    ) -> None:
        """Rate is the source's frames a second, where known: players show it, times do not depend on it.

        With scales, frames of another size than the first are brought to that one, as a live source may give
        them when it comes back. Else they are an error. With from_zero the video begins at zero, whenever in
        its source it does.

        Raises SinkError for a name whose ending is no kind of video.
        """
        check_video_name(path)
        self._path = path
        self._rate = rate or USUAL_RATE
        self._scales = scales
        self._from_zero = from_zero
        self._open: tuple[VideoFile, Pictures, Times] | None = None
        self._frames = 0

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Encode the blended frame at its own time. Raises SinkError."""
        with told_as_sink_error(self._path):
            if self._open is None:
                self._open = self._begun(blended)
            file, pictures, times = self._open
            if blended.size != pictures.size and not self._scales:
                raise SinkError(
                    f"{self._path}: frame {blended.index} is {blended.width}x{blended.height}, those before "
                    f"it {pictures.size[0]}x{pictures.size[1]}, and a video has one size; pictures of "
                    f"different sizes go into a folder. The {self._frames} frames before it are kept in "
                    f"{self._path}"
                )
            file.encode(pictures(blended), times.pts(blended))
            self._frames += 1

    def _begun(self, first: Frame) -> tuple[VideoFile, Pictures, Times]:
        times = Times(first, from_zero=self._from_zero)
        file = VideoFile(self._path, times.time_base)
        context = file.add_encoder(CODEC, self._rate, ENCODER_OPTIONS)
        context.thread_count = share("offline").encoder
        pictures = Pictures.like(first)
        pictures.describe_to(context)
        return file, pictures, times

    def close(self) -> None:
        """Flush the encoder, finish the file and give it its name."""
        opened, self._open = self._open, None
        if opened is not None:
            opened[0].finish()


def check_video_name(path: Path) -> None:
    """Raises SinkError for a name whose ending is no kind of video, or when there is no encoder."""
    if path.suffix.lower() not in FORMATS:
        ending = f"unknown kind of video {path.suffix!r}" if path.suffix else "has no ending"
        raise SinkError(f"{path}: {ending}; name the video {path.stem}.mp4, or use {' '.join(FORMATS)}")
    try:
        av.Codec(CODEC, "w")
    except ValueError as error:
        raise SinkError(
            f"{path}: PyAV's FFmpeg has no {CODEC} to write video with; install PyAV from its wheel"
        ) from error
