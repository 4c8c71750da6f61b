"""Blended frames into a video, each at the time that it had in its source (PyAV, H.264).

Times are exact in MP4 and MOV; Matroska rounds them to milliseconds, MPEG-TS to 1/90000 s.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import OutputContainer
from av.video.stream import VideoStream

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.threads import share
from rtseg.video.picture import Pictures

_CODEC = "libx264"
# Without adaptive quantisation, superfast gives pictures that are as good for their size as veryfast's with
# it, in about half of the CPU time (tools/bench_encoding.py). Without B-frames: with them and a variable
# rate, the MP4 muxer takes the video for shorter than it is, and players leave out its last frames.
ENCODER_OPTIONS = {"preset": "superfast", "aq-mode": "none", "crf": "24", "bf": "0"}
_CLOCK = Fraction(1, 90_000)  # for sources without presentation times: a tick fine enough for any camera
# AVI is left out: it has no times.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}
# With FFmpeg up to 8.0 such files come out broken.
MP4_SURVIVES_A_CRASH = av.library_versions["libavformat"] >= (62, 12)
_FRAGMENT_US = 1_000_000


class VideoSink:
    """An H.264 video. It appears under its name when it is finished, and until then beside it as .part.

    Nothing is made before the first frame comes. An MP4 is readable up to its last second even when the
    program is killed (FFmpeg 8.1 and newer).
    """

    def __init__(self, path: Path, *, rate: Fraction | None, scales: bool = False) -> None:
        """Rate is the source's frames a second, where known: players show it, times do not depend on it.

        With scales, frames of another size than the first are brought to that one, as a live source may give
        them when it comes back. Else they are an error.

        Raises SinkError for a name whose ending is no kind of video.
        """
        check_video_name(path)
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._rate = rate or Fraction(30)
        self._scales = scales
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._pictures: Pictures | None = None
        self._first_ns = 0
        self._shift = 0
        self._last_pts: int | None = None
        self._frames = 0

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Encode the blended frame at its own time. Raises SinkError."""
        try:
            if self._container is None or self._stream is None or self._pictures is None:
                self._container, self._stream, self._pictures = self._open(blended)
            size = self._stream.width, self._stream.height
            if blended.size != size and not self._scales:
                raise SinkError(
                    f"{self._path}: frame {blended.index} is {blended.width}x{blended.height}, those before "
                    f"it {size[0]}x{size[1]}, and a video has one size; pictures of different sizes go into "
                    f"a folder. The {self._frames} frames before it are kept in {self._path}"
                )
            picture = self._pictures(blended)
            picture.pts, picture.time_base = self._pts(blended), blended.time_base or _CLOCK
            self._container.mux(self._stream.encode(picture))
            self._frames += 1
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"{self._path}: cannot be written ({_short(error)})") from error

    def _open(self, frame: Frame) -> tuple[OutputContainer, VideoStream, Pictures]:
        time_base = frame.time_base or _CLOCK
        kind = FORMATS[self._path.suffix.lower()]
        container = av.open(
            f"file:{self._part.absolute()}", "w", format=kind, options=_muxer_options(kind, time_base)
        )
        stream = container.add_stream(_CODEC, rate=self._rate, options=ENCODER_OPTIONS)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        pictures = Pictures.like(frame)
        pictures.describe_to(context)
        context.time_base = time_base
        context.thread_count = share("offline").encoder
        self._first_ns = frame.captured_ns
        self._shift = max(0, -(frame.pts or 0))  # players leave out what lies before zero
        return container, stream, pictures

    def _pts(self, frame: Frame) -> int:
        """The frame's own time; from the clock where the source knows none, and never twice the same."""
        if frame.pts is not None:
            pts = frame.pts + self._shift
        else:
            pts = round((frame.captured_ns - self._first_ns) / 1e9 / _CLOCK)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts

    def close(self) -> None:
        """Flush the encoder, finish the file and give it its name."""
        container, stream = self._container, self._stream
        self._container = self._stream = None
        if container is None or stream is None:
            return
        try:
            try:
                container.mux(stream.encode(None))
            finally:
                container.close()
            self._part.replace(self._path)
        except (av.error.FFmpegError, OSError) as error:
            if self._part.exists() and self._part.stat().st_size:
                kept = f"what could be written is in {self._part}"
            else:
                self._part.unlink(missing_ok=True)
                kept = "nothing could be written"
            raise SinkError(f"{self._path}: cannot be finished ({_short(error)}); {kept}") from error


def check_video_name(path: Path) -> None:
    """Raises SinkError for a name whose ending is no kind of video, or when there is no encoder."""
    if path.suffix.lower() not in FORMATS:
        ending = f"unknown kind of video {path.suffix!r}" if path.suffix else "has no ending"
        raise SinkError(f"{path}: {ending}; name the video {path.stem}.mp4, or use {' '.join(FORMATS)}")
    try:
        av.Codec(_CODEC, "w")
    except ValueError as error:
        raise SinkError(
            f"{path}: PyAV's FFmpeg has no {_CODEC} to write video with; install PyAV from its wheel"
        ) from error


def _muxer_options(kind: str, time_base: Fraction) -> dict[str, str]:
    if kind not in {"mp4", "mov"}:
        return {}
    # The start of the video is written in ticks of the movie: with milliseconds, the default, it is rounded.
    options = {"movie_timescale": str(time_base.denominator)}
    if MP4_SURVIVES_A_CRASH:
        options |= {"movflags": "hybrid_fragmented+delay_moov", "frag_duration": str(_FRAGMENT_US)}
    return options


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
