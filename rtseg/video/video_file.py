"""A video file under way: beside its name as .part until it is finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtseg.errors import SinkError
from rtseg.video.outputs import part_of

# AVI is left out: it has no times.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}
# With FFmpeg up to 8.0 such files come out broken.
MP4_SURVIVES_A_CRASH = av.library_versions["libavformat"] >= (62, 12)
_FRAGMENT_US = 1_000_000


class VideoFile:
    """One video, encoded here or with `container.mux` from packets that are there. Used by one thread."""

    def __init__(self, path: Path, time_base: Fraction) -> None:
        """time_base is that of its video. The path's ending is one of FORMATS. Raises what FFmpeg raises."""
        self._path = path
        self._part = part_of(path)
        kind = FORMATS[path.suffix.lower()]
        self.container: OutputContainer = av.open(
            f"file:{self._part.absolute()}", "w", format=kind, options=_muxer_options(kind, time_base)
        )
        self._time_base = time_base
        self._stream: VideoStream | None = None

    def add_encoder(self, codec: str, rate: Fraction, options: dict[str, str]) -> VideoCodecContext:
        """Encode what `encode` is given; -> the encoder, to be told of its pictures."""
        stream = self.container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        context = stream.codec_context
        context.time_base = self._time_base
        return context

    def encode(self, picture: VideoFrame, pts: int) -> None:
        """Write a picture; pts in the time base. Raises what FFmpeg raises."""
        assert self._stream is not None
        picture.pts, picture.time_base = pts, self._time_base
        self.container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Flush the encoder and give the file its name.

        Raises SinkError, and then says where what there is of it was kept.
        """
        try:
            try:
                if self._stream is not None:
                    self.container.mux(self._stream.encode(None))
            finally:
                self.container.close()
            self._part.replace(self._path)
        except (av.error.FFmpegError, OSError) as error:
            if self._part.exists() and self._part.stat().st_size:
                kept = f"what could be written is in {self._part}"
            else:
                self._part.unlink(missing_ok=True)
                kept = "nothing could be written"
            raise SinkError(f"{self._path}: cannot be finished ({_short(error)}); {kept}") from error

    def discard(self) -> None:
        """Leave nothing of it."""
        with suppress(av.error.FFmpegError, OSError):  # why it is given up was told already
            self.container.close()
        self._part.unlink(missing_ok=True)


@contextmanager
def told_as_sink_error(path: Path) -> Iterator[None]:
    """Raises SinkError for whatever keeps a video from being written."""
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SinkError(f"{path}: cannot be written ({_short(error)})") from error


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
