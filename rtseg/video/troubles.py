"""What can be wrong with a video, in words: why it does not open, and what is missing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import av.logging
from av.container import InputContainer
from av.stream import Disposition

from rtseg.errors import SourceError

MAX_SIDE = 16384
_ENCRYPTED = {"encv", "drmi"}


@dataclass(frozen=True)
class Expected:
    """What a file promises to hold."""

    frames: int | None
    """How many frames, for progress bars: an estimate where the file does not say."""
    end_s: Fraction | None
    """When its last frame ends, where that is written in the file."""
    tolerance_s: Fraction
    """A shortage that means nothing: headers round, and the last frame's duration is often a guess."""
    length_s: float | None = None
    """From its first frame to its end, as far as the file says."""

    @classmethod
    def of(cls, container: InputContainer, stream: av.VideoStream) -> Expected:
        """As the headers say."""
        rate = stream.average_rate or stream.guessed_rate
        length_s = None
        if container.duration is not None:
            length_s = Fraction(container.duration, av.time_base)
        frames = stream.frames or (round(length_s * rate) if length_s and rate else None)
        end_s = None
        if container.format.name == "avi":
            # Its index is at the end; without it FFmpeg guesses the duration from what is left of the file.
            end_s = stream.frames / rate if rate else None
        elif stream.duration is not None and stream.time_base is not None:
            end_s = ((stream.start_time or 0) + stream.duration) * stream.time_base
        elif (tag := stream.metadata.get("DURATION")) is not None:
            end_s = _clock_s(tag)
        elif len(container.streams) == 1:
            end_s = length_s
        tolerance_s = max(Fraction(1, 5), 2 / rate if rate else Fraction(0))
        begin_s = Fraction(0)
        if stream.start_time is not None and stream.time_base is not None:
            begin_s = stream.start_time * stream.time_base
        own_s = None if end_s is None else end_s - begin_s
        lengths_s = [float(each_s) for each_s in (own_s, length_s) if each_s is not None and each_s > 0]
        return cls(frames or None, end_s, tolerance_s, lengths_s[0] if lengths_s else None)

    def trouble(self, frames: int, end_s: Fraction, faulty: int) -> str | None:
        """What is wrong with a file of which so much could be read."""
        if self.end_s is not None and end_s < self.end_s - self.tolerance_s:
            return f"cut off: {float(end_s):.1f} of {float(self.end_s):.1f} s could be read, {frames} frames"
        if faulty:
            return f"damaged: {faulty} parts of it could not be read, or only with faults"
        return None


def video_stream(name: str, container: InputContainer, number: int | None = None) -> av.VideoStream:
    """The first video stream that is no cover picture, or the one of this number, counted from 0.

    Raises SourceError when there is none to decode.
    """
    if container.format.name == "tty":  # FFmpeg plays any text as a film of a terminal
        raise SourceError(f"{name}: is text; expected a video")
    streams = container.streams
    videos = _videos(container)
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in streams if stream not in streams.video}))
        raise SourceError(f"{name}: has no video in it, only {kinds or 'nothing'}; give another file")
    if not 0 <= (number or 0) < len(videos):
        there = "; ".join(videos_in(container))
        raise SourceError(f"{name}: has no video {number}, only {there}; choose one of these")
    video = videos[number or 0]
    codec = video.codec_context
    if codec is None:
        kind = description(container, video.index) or "of a kind"
        raise SourceError(
            f"{name}: its video ({kind}) is nothing that this FFmpeg can decode; convert it to H.264"
        )
    if codec.codec_tag in _ENCRYPTED:
        raise SourceError(
            f"{name}: its video is encrypted ({codec.codec_tag}); decrypt it with its key before"
        )
    if max(codec.width, codec.height) > MAX_SIDE:
        raise SourceError(
            f"{name}: is {codec.width}x{codec.height}; at most {MAX_SIDE} pixels a side are decoded"
        )
    return video


def check_plain(name: str, packet: av.Packet[Any]) -> None:
    """Raises SourceError for a packet that is encrypted (ISO/IEC 23001-7), whatever its codec is called."""
    if packet.has_sidedata("encryption_info"):
        raise SourceError(
            f"{name}: its video is encrypted (Common Encryption); decrypt it with its key before"
        )


def _videos(container: InputContainer) -> list[av.VideoStream]:
    return [video for video in container.streams.video if not video.disposition & Disposition.attached_pic]


def videos_in(container: InputContainer) -> tuple[str, ...]:
    """The videos that are no cover pictures, each with its number, in words."""
    return tuple(
        f"{number} is {codec.name} {codec.width}x{codec.height}"
        if (codec := video.codec_context)
        else f"{number} is of an unknown kind"
        for number, video in enumerate(_videos(container))
    )


def description(container: InputContainer, index: int) -> str | None:
    """What FFmpeg says of a stream: "Video: h264 (High) (avc1 / 0x31637661)"; None where it says nothing."""
    line = re.search(
        rf"Stream #0:{index}(?:\[\w+\])?(?:\(\w+\))?: (.*?)(?:, |$)", _dumped(container), re.MULTILINE
    )
    return line[1].strip() if line else None


def _dumped(container: InputContainer) -> str:
    """What FFmpeg says of a file, a line a stream."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)  # it is what FFmpeg would log
    try:
        text: str = container.dumps_format()  # type: ignore[attr-defined]
    finally:
        av.logging.set_level(before)
    return text


def _clock_s(text: str) -> Fraction | None:
    """Seconds of HH:MM:SS.fraction, as Matroska writes durations."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None


def held_back(packets: Iterator[av.Packet[Any]], *, hold: bool) -> Iterator[av.Packet[Any]]:
    """The packets, less the last of a file that was cut off within it.

    The decoder would answer it with an error, and with several threads lose frames before it too.
    """
    torn: av.Packet[Any] | None = None
    for packet in packets:
        flushes = packet.size == 0 and packet.dts is None
        if torn is not None and not flushes:
            yield torn
        torn = None
        if hold and packet.is_corrupt:
            torn = packet
        else:
            yield packet


def explain(error: Exception, *, remote: bool, gave_up_after_s: float | None = None) -> str:
    """What FFmpeg's error means to the person who named the source, and what to do."""
    reason = getattr(error, "strerror", None) or str(error)
    if gave_up_after_s is not None:
        return f"no answer within {gave_up_after_s:g} s; check the address and the network"
    if isinstance(error, (av.error.InvalidDataError, av.error.EOFError)):
        if remote:
            return "answers, but not with a video; check the address"
        return (
            "is no video that can be read: not a video at all, or cut off before its index was written; "
            "try whether a player opens it"
        )
    if not remote:
        return f"cannot be read ({reason})"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "this FFmpeg lacks its protocol; use another one, or install PyAV from its wheel"
    refused = isinstance(error, (av.error.HTTPClientError, av.error.HTTPServerError))
    what = "is refused by the server" if refused else "cannot be reached, or stopped answering"
    return f"{what} ({reason.removeprefix('Server returned ')}); check the address and the network"
