"""Streams from the network, decoded by FFmpeg (PyAV): lost and found again, and recordings on a server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame

from rtseg.errors import SourceError
from rtseg.frame import Frame, Size
from rtseg.video.clock import TIME_BASE, Pace, StreamClock
from rtseg.video.connection import Patience, Session, Target, connect, has_clock
from rtseg.video.file import VideoSource
from rtseg.video.live import Backoff, Ended, LiveSource
from rtseg.video.planes import planes_of
from rtseg.video.source import PLAYING, Source
from rtseg.video.troubles import MAX_SIDE

_SAY_AFTER_S = 1.0  # without a picture
_BEHIND_S = 0.5  # how old a picture may be before it is decoded
_CAUGHT_UP_S = 0.1


def open_stream(uri: str, patience: Patience | None = None) -> Source:
    """Connect to a URL. Raises SourceError when that fails.

    A file on a web server has an end, and waits for us; a camera's stream has none, and does not.
    """
    target = Target.of(uri, patience)
    container = connect(target)
    return Recording(target, container) if _has_end(target, container) else StreamSource(target, container)


def _has_end(target: Target, container: InputContainer) -> bool:
    if not target.url.lower().startswith("http"):
        return False
    # A server that says how long its answer is has a file, unless that is a playlist or a camera's nonsense.
    sized = container.format.name != "hls" and has_clock(container) and container.size > 0
    return bool(container.duration) or sized


class StreamSource(LiveSource):
    """A stream without an end. It is connected to again whenever it is lost, until `stop`."""

    def __init__(self, target: Target, container: InputContainer, backoff: Backoff | None = None) -> None:
        """Takes an open container over. Raises SourceError when there is no video in it."""
        super().__init__(target.name, backoff)
        self._target = target
        self._size: Size | None = None
        self._damaged = 0
        self._resized = 0
        self._left_out = 0
        self._behind = False
        self._session: Session | None = self._begin(container)
        stream = self._session.stream
        self.size = (stream.width, stream.height) if stream.width and stream.height else None
        if self._session.has_clock:
            self.rate = stream.average_rate or stream.guessed_rate
        self._clock = StreamClock()

    def _begin(self, container: InputContainer) -> Session:
        session = Session(self._target, container)
        # Threads that decode a frame each hold back as many frames as there are threads.
        session.stream.thread_type = "SLICE"
        codec = session.stream.codec_context
        if codec.name == "mjpeg":
            # By itself, its decoder takes half a picture for a whole one. For others such strictness is too
            # much: they say which pictures are damaged.
            codec.options = {"err_detect": "explode"}
        return session

    def _connect(self) -> None:
        container = connect(self._target, self._stopping)
        if _has_end(self._target, container):
            container.close()
            raise Ended
        self._session = self._begin(container)
        self._clock.restart()

    def _disconnect(self) -> None:
        if self._session is not None:
            self._session.close()
            self._damaged += self._session.unreadable
            self._session = None

    def _receive(self) -> Iterator[Frame]:
        if self._session is None:
            return
        pace = Pace(self._stopping) if self._session.in_bursts else None
        for index, (frame, came_ns) in enumerate(self._pictures(self._session)):
            if frame is None:
                continue
            self._look_at(frame)
            seconds = None
            if self._session.has_clock and frame.pts is not None and frame.time_base is not None:
                seconds = frame.pts * frame.time_base
            pts = self._clock.pts(seconds, came_ns)
            if self._clock.jumps:
                self.tell("clock", "set its clock", self._clock.jumps)
            captured_ns = came_ns if pace is None else pace.wait_for(pts)
            planes, color = planes_of(frame)
            yield Frame("yuv420p", planes, index, captured_ns, pts, TIME_BASE, color)
        if self._session is not None and self._session.in_bursts:
            raise Ended  # a list that is still written to is waited for

    def _pictures(self, session: Session) -> Iterator[tuple[VideoFrame | None, int]]:
        """Decoded frames with the time when they came; None for one that was damaged on its way."""
        seen_ns = time.monotonic_ns()
        for packet, came_ns in session.packets(self._stopping, self._waiting):
            if self._leaves_out(session, packet, came_ns):
                yield None, came_ns
                continue
            frames: list[Any]
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                frames = [None]
            for frame in frames:
                is_whole = frame is not None and not frame.is_corrupt
                self._damaged += not is_whole
                if is_whole:
                    seen_ns = came_ns
                yield frame if is_whole else None, came_ns
            unseen_s = (came_ns - seen_ns) / 1e9
            self._waiting(unseen_s)
            if unseen_s > self._target.patience.picture_s:
                raise SourceError(f"{self.name}: sends nothing any more that can be decoded")
            if damaged := self._damaged + session.unreadable:
                self.tell("damaged", "sent damaged pictures, which are left out", damaged)

    def _leaves_out(self, session: Session, packet: av.Packet[Any], came_ns: int) -> bool:
        """Whether to go on without this packet: behind the stream, up to the next key frame that is new."""
        is_flush = packet.size == 0
        if not self.keeps_up or session.in_bursts or is_flush:
            return False
        late_s = (time.monotonic_ns() - came_ns) / 1e9
        if not self._behind:
            self._behind = late_s > _BEHIND_S
        elif packet.is_keyframe and late_s < _CAUGHT_UP_S:
            self._behind = False
        if self._behind:
            self._left_out += 1
            self.tell("behind", "sends more than is decoded in time, pictures are left out", self._left_out)
        return self._behind

    def _look_at(self, frame: VideoFrame) -> None:
        """Notice another size. Raises SourceError for one that cannot be."""
        size = frame.width, frame.height
        if size == self._size:
            return
        if max(size) > MAX_SIDE:
            raise SourceError(
                f"{self.name}: is {size[0]}x{size[1]}; at most {MAX_SIDE} pixels a side are decoded"
            )
        if self._size is not None:
            self._resized += 1
            self.tell("size", f"changed its size, last to {size[0]}x{size[1]}", self._resized)
        self._size = size

    def _waiting(self, silent_s: float) -> None:
        if silent_s >= _SAY_AFTER_S:
            self.state = f"no picture for {silent_s:.0f} s"


class Recording(VideoSource):
    """A video file on a server: it ends, and none of its frames is dropped."""

    def __init__(self, target: Target, container: InputContainer) -> None:
        """Takes an open container over. Raises SourceError when there is no video in it."""
        self._stopping = threading.Event()
        self._target = target
        self._session = Session(target, container)
        super().__init__(target.url, container=container)

    def seek(self, seconds: float | None) -> None:
        """As of a file, by a new connection: the old one may be waiting for data."""
        self._from_start = False
        self._last_pts = None
        self._session.close()
        with contextlib.suppress(Ended):  # when it is stopped, and then there are no frames either
            self._use(connect(self._target, self._stopping))
            from_pts = self._ticks(seconds) if self.seekable and seconds is not None else None
            self._session = Session(self._target, self._container, from_pts)

    def _packets(self) -> Iterator[av.Packet[Any]]:
        try:
            for packet, _ in self._session.packets(self._stopping, self._waiting):
                self.state = PLAYING
                yield packet
        finally:
            self._unreadable += self._session.unreadable

    def _waiting(self, silent_s: float) -> None:
        if silent_s >= _SAY_AFTER_S:
            self.state = f"no data for {silent_s:.0f} s"

    def stop(self) -> None:
        """End the frames, at once if they are waited for. From any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Give up the connection, within the time-out of a read that is under way."""
        self.stop()
        self._session.close()
