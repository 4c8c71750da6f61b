"""One connection to a stream: opened, read and closed by FFmpeg in threads of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import av
import av.error
from av.container import InputContainer

from rtseg.errors import SourceError
from rtseg.video.feed import Feed, Silent
from rtseg.video.live import Ended
from rtseg.video.troubles import explain, video_stream
from rtseg.video.urls import redacted

# A playlist is untrusted: it must not make FFmpeg read files of this machine.
_PROTOCOLS = "http,https,tcp,tls,udp,rtp,rtsp,rtsps,rtmp,srt,crypto,httpproxy"
_COMMON = {
    "protocol_whitelist": _PROTOCOLS,
    # By itself, FFmpeg opens a stream only when it has counted frames for a second or more.
    "fpsprobesize": "0",
    "analyzeduration": "1000000",
    "merge_pmt_versions": "1",  # MPEG-TS: a new codec is still the same video
}
_BY_SCHEME = {
    # UDP loses packets, and with them whole groups of pictures. Sound is not even asked for.
    "rtsp": {"rtsp_transport": "tcp", "allowed_media_types": "video"},
    "rtsps": {"rtsp_transport": "tcp", "allowed_media_types": "video"},
    "udp": {"overrun_nonfatal": "1"},
}
_PLAYLIST = {
    "live_start_index": "-1"
}  # of a playlist the newest part, where FFmpeg would begin three before it
_MAX_ERRORS_IN_A_ROW = 100
_BURST = 8  # packets that wait to be decoded
_BACKLOG = 256
_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS


@dataclass(frozen=True)
class Patience:
    """How long a server may take, in seconds."""

    open_s: float = 8.0
    read_s: float = 5.0
    playlist_s: float = 20.0
    """Between two parts of a playlist (HLS), which come whole."""
    picture_s: float = 15.0
    """Between two pictures while data come: until the next key frame, or for ever after a change of codec."""


@dataclass(frozen=True)
class Target:
    """What to connect to."""

    name: str
    """For messages, without secrets."""
    url: str = field(repr=False)
    options: dict[str, str]
    format: str | None = None
    patience: Patience = Patience()

    @classmethod
    def of(cls, uri: str, patience: Patience | None = None) -> Target:
        """As the URL says. Raises SourceError for a protocol that is not read here."""
        scheme = uri.partition(":")[0].lower()
        if scheme not in _PROTOCOLS.split(","):
            raise SourceError(
                f"{redacted(uri)}: {scheme} is no protocol that is read here; "
                "use http, https, rtsp, rtmp, srt or udp"
            )
        options = {**_COMMON, **_BY_SCHEME.get(scheme, {})}
        if urlsplit(uri).path.endswith(".m3u8"):
            options |= _PLAYLIST
        return cls(redacted(uri), uri, options, patience=patience or Patience())

    def open(self) -> InputContainer:
        """Connect. Blocks, up to the time-out, and raises FFmpeg's errors."""
        container = self._open(self.options)
        if container.format.name == "hls" and self.options.get("live_start_index") is None:
            container.close()
            container = self._open(self.options | _PLAYLIST)
        return container

    def _open(self, options: dict[str, str]) -> InputContainer:
        read_s = self.patience.playlist_s if "live_start_index" in options else self.patience.read_s
        return av.open(
            self.url,
            mode="r",
            format=self.format,
            options=options,
            timeout=(self.patience.open_s, read_s),
            metadata_errors="replace",
        )


def connect(target: Target, stopping: threading.Event | None = None) -> InputContainer:
    """Open in a thread of its own, so that Ctrl-C and `stopping` end the wait at once.

    Raises SourceError when it fails, and Ended when it was stopped.
    """
    began = time.monotonic()
    feed: Feed[InputContainer] = Feed("connect", lambda: iter((target.open(),)))
    try:
        for container in feed.items(stopping or threading.Event()):
            return container
    except (av.error.FFmpegError, OSError, ValueError) as error:
        # Without its cause: FFmpeg's errors hold the whole URL.
        raise failure(target, error, began, target.patience.open_s) from None
    finally:
        feed.release()
    raise Ended


def failure(target: Target, error: Exception, began: float, timeout_s: float) -> SourceError:
    """What FFmpeg's error means to the person who named the source."""
    # After a time-out FFmpeg gives an error that differs by protocol.
    late = isinstance(error, av.error.ExitError) or time.monotonic() - began >= timeout_s
    return SourceError(
        f"{target.name}: {explain(error, remote=True, gave_up_after_s=timeout_s if late else None)}"
    )


def has_clock(container: InputContainer) -> bool:
    """Whether its times are its own: for motion JPEG, FFmpeg makes up 25 frames a second."""
    return not container.format.flags & _NO_TIMESTAMPS


class Session:
    """The packets of one open connection."""

    def __init__(self, target: Target, container: InputContainer, from_pts: int | None = None) -> None:
        """Takes the container over. Raises SourceError when there is no video in it.

        from_pts is where to begin, in units of the video's time base; None is where it is.
        """
        self._target = target
        self._from_pts = from_pts
        self._container = container
        self._feed: Feed[tuple[av.Packet[Any] | None, int]] | None = None
        self.unreadable = 0
        """How many places of the stream made no sense."""
        self.in_bursts = container.format.name == "hls"
        """Whether the pictures of many seconds come at once."""
        self.has_clock = has_clock(container)
        patience = target.patience
        self._patience_s = patience.playlist_s if self.in_bursts else patience.read_s
        try:
            self.stream = video_stream(target.name, container)
        except SourceError:
            container.close()
            raise

    def packets(
        self, stopping: threading.Event, waiting: Callable[[float], None] = lambda _: None
    ) -> Iterator[tuple[av.Packet[Any], int]]:
        """Packets of the video, until its end or until stopped; the last one of an end flushes the decoder.

        With each comes `time.monotonic_ns()` of its arrival.

        `waiting` is told for how many seconds nothing came. Raises SourceError when the connection is lost.
        """
        if self._feed is None:
            # Pictures that come at their own speed are read as they come, so that their age is known.
            capacity = _BURST if self.in_bursts else _BACKLOG
            self._feed = Feed("stream", self._read, self._container.close, capacity=capacity)
        came_at = time.monotonic()
        try:
            # FFmpeg's own time-out comes first and says why; ours is for a stream that sends only sound.
            for packet, came_ns in self._feed.items(
                stopping, patience_s=self._patience_s + 1, waiting=waiting
            ):
                if packet is not None:
                    came_at = time.monotonic()
                    yield packet, came_ns
                elif time.monotonic() - came_at > self._patience_s + 1:
                    raise Silent
        except Silent:
            raise SourceError(
                f"{self._target.name}: no picture for {self._patience_s:g} s, though the connection is up"
            ) from None
        except (av.error.FFmpegError, OSError) as error:
            raise failure(self._target, error, came_at, self._patience_s) from None

    def _read(self) -> Iterator[tuple[av.Packet[Any] | None, int]]:
        """Run by the feed's thread, which must see packets of sound too to be ended: they are None."""
        in_a_row = 0
        if self._from_pts is not None:
            self._container.seek(self._from_pts, stream=self.stream)
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self.unreadable += not in_a_row
                in_a_row += 1
                if in_a_row >= _MAX_ERRORS_IN_A_ROW:
                    raise
                packets = self._container.demux()
            else:
                in_a_row = 0
                ours = packet.stream_index == self.stream.index
                yield packet if ours else None, time.monotonic_ns()

    def close(self) -> None:
        """Let go; the connection is closed when its read has ended. Harmless when done twice."""
        if self._feed is not None:
            self._feed.release()
        else:
            self._container.close()
