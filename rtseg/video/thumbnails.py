"""Small pictures from all over a recording, found while nobody waits for them."""

from __future__ import annotations

import bisect
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error

from rtseg.closing import Closing
from rtseg.errors import SourceError
from rtseg.frame import Frame, UInt8Array
from rtseg.preprocess import network_input
from rtseg.video.file import VideoSource
from rtseg.video.images import ImagesSource
from rtseg.video.slides import PICTURES_PER_S
from rtseg.video.source import IMAGE_SUFFIXES, local_path

_WIDEST = 4  # times its height: of a panorama no more is shown
_NICE = 10
_PATIENCE_S = 1.0


class Thumbnails(Closing):
    """Made in a thread of its own that takes at most half of a processor; first few, then ever closer ones.

    Of a file that cannot be read, or not be searched, there are none. `at` and `close` are for any thread.
    """

    def __init__(
        self,
        path: Path | str,
        count: int = 60,
        height_px: int = 90,
        pictures_per_s: Fraction = PICTURES_PER_S,
    ) -> None:
        """Begin. The path is of a video, or a folder or glob of pictures; count is how many there will be."""
        self._path = str(local_path(str(path)))
        self._count = count
        self._height_px = height_px
        self._pictures_per_s = pictures_per_s
        # Replaced as a whole, so that a reader in another thread never sees half a change.
        self._found: tuple[tuple[float, UInt8Array], ...] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtseg-thumbnails", daemon=True)
        self._thread.start()

    def at(self, seconds: float) -> UInt8Array | None:
        """(h, w, 3) RGB, the nearest to this time after the first frame; None where none is there yet."""
        found = self._found
        if not found:
            return None
        place = bisect.bisect_left(found, seconds, key=lambda entry: entry[0])
        near = found[max(0, place - 1) : place + 1]
        return min(near, key=lambda entry: abs(entry[0] - seconds))[1]

    @property
    def count(self) -> int:
        """How many are there by now."""
        return len(self._found)

    @property
    def finished(self) -> bool:
        """Whether no more will come."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """End the thread, or leave it behind in a call that does not end."""
        self._stopping.set()
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        if sys.platform == "linux":  # where a thread has a priority of its own
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        with contextlib.suppress(SourceError, av.error.FFmpegError, OSError, ValueError):
            began = time.monotonic()
            for seconds, frame in self._frames():
                self._add(seconds, frame)
                if self._stopping.wait(time.monotonic() - began):
                    return
                began = time.monotonic()

    def _frames(self) -> Iterator[tuple[float, Frame]]:
        path = Path(self._path)
        # Not by open_source: "0" is a camera, which is in use already, and a URL is another connection.
        if path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES:
            return self._of_video()
        return self._of_pictures()

    def _of_pictures(self) -> Iterator[tuple[float, Frame]]:
        with ImagesSource(self._path) as source:
            pictures = len(source.files)
            for part in _halving(min(self._count, pictures)):
                for frame in source.frames(int(part * pictures)):
                    yield float(frame.index / self._pictures_per_s), frame
                    break

    def _of_video(self) -> Iterator[tuple[float, Frame]]:
        with _KeyFrames(self._path) as video:
            if video.duration_s is None or not video.seekable:
                return
            for part in _halving(self._count):
                frame = video.near(part * video.duration_s)
                if frame is not None:
                    yield (frame.seconds or 0.0) - video.first_s, frame

    def _add(self, seconds: float, frame: Frame) -> None:
        place = bisect.bisect_left(self._found, seconds, key=lambda entry: entry[0])
        if place < len(self._found) and self._found[place][0] == seconds:
            return  # two times in one group of pictures
        width = min(self._height_px * _WIDEST, max(1, round(self._height_px * frame.width / frame.height)))
        picture = network_input(frame, (width, self._height_px))
        self._found = (*self._found[:place], (seconds, picture), *self._found[place:])


class _KeyFrames(VideoSource):
    """A file of which only key frames are decoded, one by one."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._stream.thread_type = "NONE"
        self._stream.codec_context.thread_count = 1
        start = self._stream.start_time
        self.first_s = 0.0 if start is None else float(start * self._time_base)

    def near(self, seconds: float) -> Frame | None:
        """The key frame that is found first for a time from the beginning."""
        self.seek(seconds + self.first_s)
        for packet in self._packets():
            if packet.is_keyframe:
                # By itself, a decoder waits for the frames that may be shown before it.
                frames = [*packet.decode(), *self._stream.codec_context.decode(None)]
                return self._frame(frames[0], 0, frames[0].pts or 0) if frames else None
        return None


def _halving(count: int) -> Iterator[float]:
    """Places from 0 to 1: so many evenly spread ones, in the order of ever finer halves."""
    bits = max(1, (count - 1).bit_length())
    for number in range(1 << bits):
        place = int(f"{number:0{bits}b}"[::-1], 2)
        if place < count:
            yield (place + 0.5) / count
