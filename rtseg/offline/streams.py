"""What a clip holds besides the video that is segmented: all of it is copied, packet by packet."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Disposition, Stream

from rtseg.closing import Closing
from rtseg.errors import SinkError
from rtseg.offline.clock import Clock
from rtseg.video.file import open_file
from rtseg.video.troubles import described

# In the order in which they are recommended to those whose own cannot hold a stream.
_KINDS = {"matroska": ".mkv", "mov": ".mov", "mp4": ".mp4", "mpegts": ".ts"}
# What muxers write by themselves, and what says how the old video was made.
_OWN_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "_statistics_tags"}
_MAKING = re.compile(r"(bps|duration|number_of_(frames|bytes)|_statistics_.*|encoder|vendor_id)(-.*)?", re.I)


class OtherStreams(Closing):
    """The streams of a file but for one, in the order of their times. Used by one thread at a time."""

    def __init__(self, path: Path, video: int, leave_out: frozenset[int] = frozenset()) -> None:
        """Video is the index of the stream that is not copied; those of leave_out are not either."""
        self._path = path
        self._video = video
        self._container: InputContainer = open_file(path)
        streams = self._container.streams
        streams[video].discard = Discard.all
        self.streams: list[Stream] = [
            stream
            for stream in streams
            if stream.index != video
            and stream.index not in leave_out
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
        self._packets = self._read()
        self._next: av.Packet[Any] | None = None
        self.faults = 0
        """Parts that could not be read."""
        self.position = sum(stream.index < video for stream in self.streams)
        """Which number the video has among the streams of the output."""
        # Players leave out what lies before zero.
        self._shift_s = shift_s(self._container, video)

    @property
    def described(self) -> tuple[str, ...]:
        """Each in words, for people."""
        return tuple(_described(self._container, stream) for stream in self.streams)

    def add_to(
        self, output: OutputContainer, add_video: Callable[[OutputContainer], av.VideoStream]
    ) -> av.VideoStream:
        """Make the streams of an output in the order of the input, the video in its place."""
        video = None
        for stream in sorted([*self.streams, self._container.streams[self._video]], key=lambda s: s.index):
            if stream.index == self._video:
                video = add_video(output)
                _copy_tags(stream, video, _MAKING)
            else:
                self._copies[stream.index] = _add_copy(output, stream)
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
            packet.stream = self._copies[packet.stream.index]
            yield packet

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
            if packet.dts is None and packet.pts is None:  # the last one, for decoders
                continue
            if packet.dts is None:
                packet.dts = packet.pts
            self._clocks[packet.stream.index].correct(packet)
            if self._shift_s:
                ticks = round(self._shift_s / packet.time_base)
                packet.dts = (packet.dts or 0) + ticks
                packet.pts = None if packet.pts is None else packet.pts + ticks
            yield packet

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def shift_s(container: InputContainer, video: int) -> Fraction:
    """By how much the times of a clip are moved, for its video not to begin before zero: mostly nothing."""
    stream = container.streams[video]
    return max(Fraction(0), -(stream.start_time or 0) * (stream.time_base or Fraction(0)))


def check_streams(others: OtherStreams, output: Path, kind: str) -> None:
    """Raises SinkError when a kind of file cannot hold one of the streams, naming one that can."""
    for stream in others.streams:
        if _holds(kind, stream):
            continue
        what = _described(others._container, stream)
        able = [ending for other, ending in _KINDS.items() if _holds(other, stream)]
        # One that holds everything is better than one that holds this.
        best = [
            ending
            for other, ending in _KINDS.items()
            if ending in able and all(_holds(other, each) for each in others.streams)
        ]
        ending = (best or able or [""])[0]
        way = f"name the output {output.stem}{ending}, or add" if ending else "none can; add"
        raise SinkError(
            f"{output}: a {output.suffix} file cannot hold stream {stream.index} ({what}); "
            f"{way} --leave-out {stream.index} to go without it"
        )


def _holds(kind: str, stream: Stream) -> bool:
    """Whether a kind of file can hold a copy of a stream, found out by trying."""
    try:
        with av.open(io.BytesIO(), "w", format=kind) as output:
            stand_in = output.add_stream("libx264", rate=25)
            assert isinstance(stand_in, av.VideoStream)
            stand_in.width, stand_in.height, stand_in.pix_fmt = 64, 64, "yuv420p"
            _add_copy(output, stream)
            output.start_encoding()
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


def _add_copy(output: OutputContainer, stream: Stream) -> Stream:
    # With opaque, the decoder's name is enough: there need not be an encoder of its kind.
    copy = output.add_stream_from_template(stream, opaque=True)
    _copy_tags(stream, copy, re.compile(r"encoder|vendor_id|_statistics_.*", re.I))
    if stream.time_base:
        copy.time_base = stream.time_base
    return copy


def _copy_tags(stream: Stream, copy: Stream, less: re.Pattern[str]) -> None:
    copy.metadata.update({key: tag for key, tag in stream.metadata.items() if not less.fullmatch(key)})
    copy.disposition = Disposition(stream.disposition)


def _described(container: InputContainer, stream: Stream) -> str:
    match = re.search(
        rf"Stream #0:{stream.index}\D.*?: (\w+: .*?)(?:, |$)", described(container), re.MULTILINE
    )
    return match[1].strip().lower() if match else stream.type


def _time(packet: av.Packet[Any]) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts or 0
    return ticks * (packet.time_base or Fraction(0))
