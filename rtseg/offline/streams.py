"""What a clip holds besides the video that is segmented: all of it is copied, packet by packet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Disposition, Stream

from rtseg.closing import Closing
from rtseg.offline.clock import Clock
from rtseg.offline.covers import attach, is_cover
from rtseg.video.file import open_file
from rtseg.video.troubles import description

_LOOKED_AT = 500  # packets, to find the first of each stream
_FRAGMENTABLE = {"aac", "mp3", "mp3float", "ac3", "eac3", "opus", "flac", "alac"}
# What muxers write by themselves, and what says how the old video was made.
_OWN_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "_statistics_tags"}
_MAKING = re.compile(r"(bps|duration|number_of_(frames|bytes)|_statistics_.*|encoder|vendor_id)(-.*)?", re.I)


class OtherStreams(Closing):
    """The streams of a file but for one, in the order of their times. Used by one thread at a time."""

    def __init__(
        self,
        path: Path,
        video: int,
        leave_out: frozenset[int] = frozenset(),
        *,
        shift_s: Fraction = Fraction(0),
        in_fragments: bool = False,
    ) -> None:
        """The stream of index `video` is not copied, nor are those of leave_out.

        All times are moved by shift_s, see `needed_shift_s`. in_fragments leaves out what FFmpeg cannot put
        into a fragmented MP4 without doing harm: texts spoil the times of the video, and with PCM the file
        cannot be read.
        """
        self.path = path
        self._video = video
        self._container: InputContainer = open_file(path)
        streams = self._container.streams
        streams[video].discard = Discard.all
        self.streams: list[Stream] = [
            stream
            for stream in streams
            if stream.index != video
            and stream.index not in leave_out
            and (_is_fragmentable(stream) or not in_fragments)
            # The text track that holds an MP4's chapters: they are copied as chapters.
            and stream.discard != Discard.all
            # QuickTime's time code is written anew, from the tag that says it.
            and not (stream.type == "data" and "timecode" in stream.metadata)
        ]
        for stream in streams:
            if stream not in self.streams:
                stream.discard = Discard.all
        self._clocks = {stream.index: Clock() for stream in self.streams}
        self._copies: dict[int, Stream] = {}
        self._covers = {stream.index for stream in self.streams if is_cover(stream)}
        self._no_more: set[int] = set()  # covers that the output has already
        self._last_s = Fraction(0)
        self._packets = self._read()
        self._next: av.Packet[Any] | None = None
        self.faults = 0
        """Parts that could not be read."""
        self._makes_gaps = False
        self.end_s = Fraction(0)
        """When the last packet that was read ends."""
        self.position = sum(
            stream.index < video
            for stream in self.streams
            if stream.type != "attachment" and stream.index not in self._covers  # they come behind
        )
        """Which number the video has among the streams of the output."""
        self._shift_s = shift_s

    @property
    def video(self) -> Stream:
        """The stream that is not copied."""
        return self._container.streams[self._video]

    @cached_property
    def first_packets(self) -> dict[int, av.Packet[Any]]:
        """Of each stream that has one near the beginning. After that nothing is there to be copied."""
        found: dict[int, av.Packet[Any]] = {}
        for packet in islice(self._packets, _LOOKED_AT):
            found.setdefault(packet.stream.index, packet)
            if len(found) == len(self.streams):
                break
        return found

    def describe(self, stream: Stream) -> str:
        """A stream in words, for people."""
        return (description(self._container, stream.index) or stream.type).lower()

    @property
    def described(self) -> tuple[str, ...]:
        """Each in words, for people."""
        return tuple(self.describe(stream) for stream in self.streams)

    def add_to(
        self, output: OutputContainer, add_video: Callable[[OutputContainer], av.VideoStream]
    ) -> av.VideoStream:
        """Make the streams of an output in the order of the input, the video in its place."""
        self._makes_gaps = output.format.name in {"mp4", "mov"}
        video = None
        for stream in sorted([*self.streams, self._container.streams[self._video]], key=lambda s: s.index):
            if stream.index == self._video:
                video = add_video(output)
                _copy_tags(stream, video, _MAKING)
            elif stream.index in self._covers and output.format.name == "matroska":
                attach(output, self.path, stream)
                self._no_more.add(stream.index)
            else:
                self._copies[stream.index] = add_copy(output, stream)
        assert video is not None
        return video

    def copy_tags(self, output: OutputContainer) -> None:
        """Creation time, title and the like."""
        tags = self._container.metadata
        output.metadata.update({key: value for key, value in tags.items() if key.lower() not in _OWN_TAGS})

    def copy_chapters(self, output: OutputContainer) -> None:
        """The chapters, where the output can have any."""
        if chapters := self._container.chapters():
            output.set_chapters(chapters)

    def losses(self, kind: str) -> list[str]:
        """What a kind of file cannot hold of what is no stream, a line each."""
        found = []
        if kind == "mpegts":
            if self._container.chapters():
                found.append("MPEG-TS cannot hold chapters; they are left out")
            if tags := sorted(key for key in self._container.metadata if key.lower() not in _OWN_TAGS):
                found.append(f"MPEG-TS cannot hold tags; {', '.join(tags)} are left out")
        return found

    @property
    def start_ticks(self) -> list[Fraction]:
        """The time bases of the streams."""
        return [stream.time_base for stream in self.streams if stream.time_base]

    def until(self, seconds: Fraction | None) -> Iterator[av.Packet[Any]]:
        """The packets up to a time, as packets of the output's streams; to the end for None."""
        while self.streams:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None or (seconds is not None and _time(packet) > seconds):
                return
            self._next = None
            if packet.stream.index in self._no_more or (self._makes_gaps and _is_gap(packet)):
                continue
            packet.stream = self._copies[packet.stream.index]
            yield packet

    def go_on_from(self, before: OtherStreams, offset_s: Fraction) -> None:
        """Write into the streams of an output that another file's have begun, moved by so many seconds."""
        copies = [before._copies.get(stream.index) for stream in before.streams]
        clocks = [before._clocks[stream.index] for stream in before.streams]
        self._no_more = set(self._covers)
        for stream, copy, clock in zip(self.streams, copies, clocks, strict=True):
            if copy is not None:
                self._copies[stream.index] = copy
            self._clocks[stream.index] = clock
            clock.begin_anew()
        self._shift_s += offset_s

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """What each stream is: its type, and its codec."""
        return tuple((stream.type, codec_name(stream)) for stream in self.streams)

    @property
    def start_s(self) -> Fraction | None:
        """The time of the first packet of any stream, where it is known."""
        starts = [
            s.start_time * s.time_base for s in self.streams if s.start_time is not None and s.time_base
        ]
        return min(starts) + self._shift_s if starts else None

    def _read(self) -> Iterator[av.Packet[Any]]:
        demuxed = self._container.demux(self.streams) if self.streams else iter(())
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self.faults += 1
                if self.faults > 100:
                    return
                demuxed = self._container.demux(self.streams)
                continue
            if packet.dts is None and packet.pts is None:
                if not packet.size:  # the last one, for decoders
                    continue
                # A cover; or data that says no time, and means where in the file it is.
                packet.pts = round(self._last_s / packet.time_base)
            if packet.dts is None:
                packet.dts = packet.pts
            if self._shift_s:
                ticks = round(self._shift_s / packet.time_base)
                packet.dts = (packet.dts or 0) + ticks
                packet.pts = None if packet.pts is None else packet.pts + ticks
            self._clocks[packet.stream.index].correct(packet)
            if packet.pts is not None and not packet.is_discard:
                self._last_s = packet.pts * packet.time_base
                self.end_s = max(self.end_s, (packet.pts + (packet.duration or 0)) * packet.time_base)
            yield packet

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """A stream for packets of this one."""
    # With opaque, the decoder's name is enough: there need not be an encoder of its kind.
    copy = output.add_stream_from_template(stream, opaque=True)
    _copy_tags(stream, copy, re.compile(r"encoder|vendor_id|_statistics_.*", re.I))
    if stream.time_base:
        copy.time_base = stream.time_base
    return copy


def _copy_tags(stream: Stream, copy: Stream, less: re.Pattern[str]) -> None:
    copy.metadata.update({key: tag for key, tag in stream.metadata.items() if not less.fullmatch(key)})
    copy.disposition = Disposition(stream.disposition)


def _is_fragmentable(stream: Stream) -> bool:
    codec = codec_name(stream)
    # AAC of a transport stream has its header in each packet, which only a finished file can do without.
    return codec in _FRAGMENTABLE and (codec != "aac" or bool(stream.codec_context.extradata))


def codec_name(stream: Stream) -> str:
    """Empty where it is unknown."""
    return stream.codec_context.name if stream.codec_context is not None else ""


def _is_gap(packet: av.Packet[Any]) -> bool:
    """An empty text, which MP4 has where none is shown: the muxer writes it by itself."""
    return packet.size == 2 and codec_name(packet.stream) == "mov_text" and bytes(packet) == b"\0\0"


def _time(packet: av.Packet[Any]) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts or 0
    return ticks * (packet.time_base or Fraction(0))
