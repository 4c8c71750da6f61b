"""The video of a file that an earlier run has left: how much of it is good, and its packets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import av
import av.error

from rtseg.closing import Closing
from rtseg.offline.journal import Segment
from rtseg.video.file import open_file

_TAIL = 8


class Part(Closing):
    """A working file, open for reading. Raises FFmpegError, OSError or ValueError where there is none."""

    def __init__(self, path: Path, position: int) -> None:
        """Position is the number of the video among the streams."""
        self._container = open_file(path)
        stream = self._container.streams[position]
        if not isinstance(stream, av.VideoStream):
            stream = self._container.streams.video[0]
        self.video = stream

    def packets(self) -> Iterator[av.Packet[Any]]:
        """Of the video, up to where the file was torn."""
        try:
            for packet in self._container.demux(self.video):
                if packet.size:
                    yield packet
        except (av.error.FFmpegError, OSError):
            return

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def tail(packet: av.Packet[Any]) -> bytes:
    """The end of a packet: what all muxers write as it is. They change how the parts of a packet begin."""
    return bytes(memoryview(packet)[-_TAIL:])


def whole_segments(path: Path, position: int, segments: Sequence[Segment]) -> int:
    """How many of these segments the file holds, from the first on, every packet to its end."""
    try:
        with Part(path, position) as part:
            packets = part.packets()
            for number, segment in enumerate(segments):
                digest = hashlib.sha256()
                count = 0
                for packet in islice(packets, segment.packets):
                    digest.update(tail(packet))
                    count += 1
                if count < segment.packets or digest.hexdigest() != segment.digest:
                    return number
    except (av.error.FFmpegError, OSError, ValueError, IndexError):
        return 0
    return len(segments)
