"""Blended frames into segments, each encoded by an encoder of its own, into a file that grows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, Protocol

import av
import av.error
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.offline.codecs import Encoder
from rtseg.offline.journal import Journal, Segment
from rtseg.offline.part import tail
from rtseg.offline.reading import ClipReader
from rtseg.offline.writer import Writer, short
from rtseg.video.picture import Pictures

_MAX_RATE = 1000


class Side(Protocol):
    """Something else that comes out, frame by frame. Used by one thread at a time."""

    def write(self, segmentation: Segmentation) -> None:
        """Take a frame. Raises SinkError."""

    def sync(self) -> tuple[float, ...]:
        """Bring what was taken to the disk, for a segment is finished; -> what the journal shall note."""

    def close(self, *, whole: bool) -> None:
        """Finish the output; whole, give it its name. Harmless when done twice. Raises SinkError."""


class SegmentSink:
    """Written to by the pipeline's last thread; made and finished by the one that waits for it."""

    def __init__(
        self,
        reader: ClipReader,
        encoder: Encoder,
        open_writer: Callable[[Callable[[OutputContainer], av.VideoStream]], Writer],
        journal: Journal,
        sides: Sequence[Side],
        *,
        writer: Writer | None = None,
        shift: int = 0,
    ) -> None:
        """Writer is one that holds the segments before; else one is opened for the first frame."""
        self._reader = reader
        self._encoder = encoder
        self._open_writer = open_writer
        self._journal = journal
        self._sides = sides
        self._writer = writer
        self._shift = shift
        self._pictures: Pictures | None = None
        self._context: VideoCodecContext | None = None
        self._borders = 0  # how many lie at or before the current frame
        self._held: av.Packet[Any] | None = None
        self._digest = hashlib.sha256()
        self._start = self._index = self._frames = self._packets = 0
        self.segments = 0
        """How many this run has finished."""
        self.rescaled = 0
        """How many frames had another size than the video."""

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Encode the blended frame at its own time. Raises SinkError."""
        assert blended.pts is not None
        if self._pictures is None:
            self._pictures = Pictures.like(blended, self._reader.size)
        starts, before = self._reader.borders.starts, self._borders
        while self._borders < len(starts) and starts[self._borders] <= blended.pts:
            self._borders += 1
        if self._borders > before:
            if self._frames:
                self._finish_segment(next_start=starts[self._borders - 1], end=blended.pts)
            self._start = starts[self._borders - 1]
            self._index = blended.index
        self.rescaled += blended.size != self._pictures.size
        if self._context is None:
            self._context = self._new_context(self._pictures)
        picture = self._pictures(blended)
        picture.pts, picture.time_base = blended.pts + self._shift, self._reader.time_base
        try:
            encoded = self._context.encode(picture)
        except (av.error.FFmpegError, ValueError) as error:
            raise SinkError(
                f"{self._encoder.name} cannot encode frame {blended.index} ({short(error)})"
            ) from error
        self._frames += 1
        for side in self._sides:
            side.write(segmentation)
        self._pass_on(encoded)

    def _new_context(self, pictures: Pictures) -> VideoCodecContext:
        try:
            context = self._encoder.open(pictures, self._reader.time_base, self._rate)
            context.sample_aspect_ratio = self._reader.pixel_aspect or Fraction(0)
            if self._writer is None:
                self._writer = self._open_writer(self._add_video)
            if self._writer.global_header:
                context.flags |= Flags.global_header.value
        except (av.error.FFmpegError, ValueError) as error:
            raise SinkError(f"{self._encoder.name} cannot be opened ({short(error)})") from error
        return context

    @property
    def _rate(self) -> Fraction:
        """What players show as the rate; times do not depend on it."""
        return min(Fraction(_MAX_RATE), self._reader.rate or Fraction(30))

    def _add_video(self, output: OutputContainer) -> av.VideoStream:
        """The stream of the video: its encoder, which is never given a picture, writes the header."""
        assert self._pictures is not None
        encoder = self._encoder
        video = output.add_stream(encoder.name, self._rate, encoder.options, **encoder.on_device)
        assert isinstance(video, av.VideoStream)
        context = video.codec_context
        encoder.describe_to(context, self._pictures, self._reader.time_base, self._rate)
        context.sample_aspect_ratio = self._reader.pixel_aspect or Fraction(0)
        video.time_base = self._reader.time_base
        if encoder.name == "libx265" and output.format.name in {"mp4", "mov"}:
            context.codec_tag = "hvc1"  # the only one that Apple's players take
        if self._reader.display_matrix is not None:
            video.set_display_matrix(self._reader.display_matrix)
        return video

    def _finish_segment(self, next_start: int | None, end: int) -> None:
        """Nothing more comes into this one. The first frame of the next is at end, or the clip ends there."""
        self._flush(end)
        sums = tuple(value for side in self._sides for value in side.sync())
        self._journal.add(
            Segment(
                start=self._start,
                next=next_start,
                end=end,
                index=self._index,
                frames=self._frames,
                packets=self._packets,
                digest=self._digest.hexdigest(),
                seekable=not self._reader.repaired,
                sums=sums,
            )
        )
        self.segments += 1
        self._frames = self._packets = 0
        self._digest = hashlib.sha256()

    def _flush(self, end: int) -> None:
        if self._context is None:
            return
        self._pass_on(self._context.encode(None))
        self._context = None
        if self._held is not None:
            self._write(self._held, end + self._shift)
            self._held = None

    def _pass_on(self, packets: Sequence[av.Packet[Any]]) -> None:
        """Each is written when the one after it is there, for only then is known how long it lasts."""
        for packet in packets:
            if self._held is not None:
                self._write(self._held, packet.pts)
            self._held = packet

    def _write(self, packet: av.Packet[Any], end: int | None) -> None:
        assert self._writer is not None
        if end is not None and packet.pts is not None:
            packet.duration = max(0, end - packet.pts)
        self._digest.update(tail(packet))
        self._packets += 1
        self._writer.write_encoded(packet)

    def close(self) -> None:
        """Called by the pipeline's thread, which does not know whether all went well: see `finish`."""

    def finish(self, *, whole: bool) -> None:
        """All frames came, or, not whole, the run was stopped and another has the rest. Raises SinkError."""
        if self._frames:
            end = self._reader.end_pts if whole else None
            if whole:
                assert end is not None
                self._finish_segment(None, end)
            else:
                self._flush(self._start)
        if self._writer is not None:
            self._writer.close(whole=whole)
            self._writer = None
        for side in self._sides:
            side.close(whole=whole)

    def abandon(self) -> None:
        """Something has failed; what is in the file is kept as well as can be. Raises nothing."""
        self._context = None
        for side in self._sides:
            with suppress(SinkError):
                side.close(whole=False)
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
