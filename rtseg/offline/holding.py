"""What a kind of file can hold of a clip's other streams, and at what times."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.stream import Stream

from rtseg.errors import ConfigError, SinkError
from rtseg.offline.covers import is_cover
from rtseg.offline.streams import OtherStreams, add_copy, codec_name
from rtseg.video.file import open_file

# In the order in which they are recommended to those whose own cannot hold a stream.
_KINDS = {"matroska": ".mkv", "mov": ".mov", "mp4": ".mp4", "mpegts": ".ts"}
_OPUS = {"opus", "libopus"}
_OPUS_RATE = 48_000


def check_left_out(path: Path, video: int, leave_out: frozenset[int]) -> None:
    """Raises ConfigError for a number of --leave-out that is none of a stream that would be copied."""
    with open_file(path) as container:
        there = [f"{stream.index} is {stream.type}" for stream in container.streams]
    for number in sorted(leave_out):
        if number == video:
            raise ConfigError(f"--leave-out {number}: stream {number} of {path} is the video to segment")
        if number >= len(there):
            raise ConfigError(f"--leave-out {number}: {path} has no such stream; {', '.join(there)}")


def needed_shift_s(others: OtherStreams, kind: str) -> Fraction:
    """By how much all times are moved for a kind of file to hold them: mostly by nothing.

    Players leave out what lies before zero, and all but MP4 cannot even hold it: the sound of an MP4 begins
    there, with what its decoder needs to begin. In whole milliseconds, which all kinds of times can express.
    Reads the first packets.
    """
    video = others.video
    earliest = (video.start_time or 0) * (video.time_base or Fraction(0))
    if kind not in {"mp4", "mov"}:
        for packet in others.first_packets.values():
            ticks = min(each for each in (packet.pts, packet.dts) if each is not None)
            delay_s = _opus_delay_s(packet.stream) if kind == "matroska" else Fraction(0)
            earliest = min(earliest, ticks * packet.time_base + delay_s)
    return Fraction(math.ceil(max(Fraction(0), -earliest) * 1000), 1000)


def _opus_delay_s(stream: Stream) -> Fraction:
    """What Matroska adds to the times of Opus (RFC 7845, pre-skip), in its milliseconds."""
    header = (stream.codec_context.extradata or b"") if codec_name(stream) in _OPUS else b""
    samples = int.from_bytes(header[10:12], "little") if header.startswith(b"OpusHead") else 0
    return Fraction(math.ceil(Fraction(samples, _OPUS_RATE) * 1000), 1000)


def check_streams(others: OtherStreams, output: Path, kind: str) -> None:
    """Raises SinkError when a kind of file cannot hold one of the streams, naming one that can.

    Reads the first packet of each, after which the streams have to be opened anew.
    """
    first = others.first_packets

    def held(by: str) -> bool:
        return all(_holds(by, stream, first.get(stream.index)) for stream in others.streams)

    for stream in others.streams:
        packet = first.get(stream.index)
        if _holds(kind, stream, packet):
            continue
        able = [ending for other, ending in _KINDS.items() if _holds(other, stream, packet)]
        # One that holds everything is better than one that holds this, and the clip's own kind best.
        able.sort(key=lambda ending: ending != others.path.suffix.lower())
        best = [ending for other, ending in _KINDS.items() if ending in able and held(other)]
        best.sort(key=able.index)
        ending = (best or able or [""])[0]
        way = f"name the output {output.stem}{ending}, or add" if ending else "none can; add"
        raise SinkError(
            f"{output}: a {output.suffix} file cannot hold stream {stream.index} "
            f"({others.describe(stream)}); {way} --leave-out {stream.index} to go without it"
        )


def _holds(kind: str, stream: Stream, packet: av.Packet[Any] | None) -> bool:
    """Whether a kind of file can hold a copy of a stream, found out by trying, and reading it again."""
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=kind) as output:
            stand_in = output.add_stream("libx264", rate=25)
            assert isinstance(stand_in, av.VideoStream)
            stand_in.width, stand_in.height, stand_in.pix_fmt = 64, 64, "yuv420p"
            if kind == "matroska" and is_cover(stream):
                return True  # as an attachment
            copy = add_copy(output, stream)
            output.start_encoding()
            if packet is not None:
                times = packet.pts, packet.dts, packet.duration, packet.time_base
                packet.stream = copy
                try:
                    output.mux_one(packet)
                finally:
                    packet.stream = stream
                    packet.pts, packet.dts, packet.duration, packet.time_base = times
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    # MPEG-TS takes anything, and what it has no name for nobody knows again.
    return kind != "mpegts" or packet is None or _is_known_again(memory, kind, stream)


def _is_known_again(memory: io.BytesIO, kind: str, stream: Stream) -> bool:
    memory.seek(0)
    try:
        with av.open(memory, format=kind) as container:
            return any(each.type == stream.type for each in container.streams)
    except (av.error.FFmpegError, ValueError, OSError):
        return False
