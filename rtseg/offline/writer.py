"""A file that grows: the encoded video, and beside it, in the order of time, copies of the other streams."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
from av.container import OutputContainer
from av.container.core import Flags
from av.format import ContainerFormat
from av.format import Flags as FormatFlags

from rtseg.errors import SinkError
from rtseg.offline.streams import OtherStreams

FRAGMENT_MS = 500
"""How much of what was written may be lost when the program is killed."""
MOVIES = {"mp4", "mov"}
"""Written as fragments first."""
# A unit ends with a byte that is not zero, so what zeros there are belong to the code.
_START_CODE = re.compile(rb"\x00*\x00\x00\x01")

AddVideo = Callable[[OutputContainer], av.VideoStream]


class Writer:
    """Used by one thread. Nothing is written before the first packet."""

    def __init__(
        self, path: Path, kind: str, others: OtherStreams | None, add_video: AddVideo, *, final: bool
    ) -> None:
        """Not final, what was written can be played whatever happens; final, an MP4 begins with its index.

        Raises SinkError.
        """
        self._path = path
        self._others = others
        bases = [] if others is None else others.start_ticks

        def add(output: OutputContainer) -> av.VideoStream:
            video = add_video(output)
            if video.time_base:
                bases.append(video.time_base)
            return video

        self.global_header = bool(
            ContainerFormat(kind, "w").flags & cast(int, FormatFlags.global_header.value)
        )
        """Whether encoders are to leave the header to the file."""
        self._container = av.open(f"file:{path.absolute()}", "w", format=kind)
        try:
            self._video = others.add_to(self._container, add) if others else add(self._container)
            if others is not None:
                others.copy_tags(self._container)
                if final or kind not in MOVIES:
                    others.copy_chapters(self._container)
        except (av.error.FFmpegError, ValueError) as error:
            raise SinkError(f"{path}: cannot be written ({short(error)})") from error
        self._container.container_options.update(_options(kind, bases, final=final))
        if not final:
            self._container.flags |= cast(int, Flags.flush_packets.value)

    @property
    def video(self) -> av.VideoStream:
        """The stream that `write` writes to."""
        return self._video

    def go_on_with(self, others: OtherStreams | None) -> None:
        """The other streams are this file's from now on; those of the one before are written to their end."""
        self._write_rest()
        self._others = others

    def _write_rest(self) -> None:
        self._write_others(None)

    def _write_others(self, until_s: Fraction | None) -> None:
        if self._others is None:
            return
        for packet in self._others.until(until_s):
            try:
                self._container.mux_one(packet)
            except av.error.InvalidDataError:  # damaged, in a way that this kind of file does not take
                self._others.faults += 1

    def write(self, packet: av.Packet[Any]) -> None:
        """A packet of the video, and what the other streams have up to its time. Raises SinkError."""
        moment = (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base
        try:
            self._write_others(moment)
            packet.stream = self._video
            self._container.mux_one(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"{self._path}: cannot be written ({short(error)})") from error

    def write_encoded(self, packet: av.Packet[Any]) -> None:
        """As `write`, for one that comes from an encoder, and not from a file of this kind."""
        context = self._video.codec_context
        # A muxer changes it to what its file wants only where the header came from an encoder too.
        if (
            context is not None
            and context.name in {"h264", "hevc"}
            and (context.extradata or b"").startswith(b"\x01")
        ):
            packet = _length_prefixed(packet)
        self.write(packet)

    def close(self, *, whole: bool) -> None:
        """Finish the file; whole, with all that the other streams still have. Raises SinkError."""
        try:
            try:
                if whole:
                    self._write_rest()
            finally:
                self._container.close()
            if whole:
                with self._path.open("rb") as file:
                    os.fsync(file.fileno())
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"{self._path}: cannot be finished ({short(error)})") from error

    def abandon(self) -> None:
        """Close the file as it is; raises nothing."""
        with suppress(SinkError):
            self.close(whole=False)


def like(stream: av.VideoStream, kind: str) -> AddVideo:
    """Adds a video stream for packets of this one, whose encoder nobody has any more."""

    def add(output: OutputContainer) -> av.VideoStream:
        copy = output.add_stream_from_template(stream, opaque=True)
        if stream.average_rate:
            copy.codec_context.framerate = stream.average_rate
        if stream.codec_context.name == "hevc" and kind in MOVIES:
            copy.codec_context.codec_tag = "hvc1"  # the only one that Apple's players take
        return copy

    return add


def _length_prefixed(packet: av.Packet[Any]) -> av.Packet[Any]:
    """ITU-T H.264 and H.265, annex B, to what ISO/IEC 14496-15 puts into files: a length before each unit."""
    units = _START_CODE.split(bytes(packet))[1:]
    changed: av.Packet[Any] = av.Packet(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units))
    changed.pts, changed.dts, changed.duration = packet.pts, packet.dts, packet.duration
    changed.time_base, changed.is_keyframe = packet.time_base, packet.is_keyframe
    return changed


def short(error: Exception) -> str:
    """FFmpeg's reason alone."""
    return getattr(error, "strerror", None) or str(error)


def _options(kind: str, bases: list[Fraction], *, final: bool) -> dict[str, str]:
    # What waits for the packets of a stream that has few, a subtitle's, is not in the file yet.
    options = {} if final else {"max_interleave_delta": str(FRAGMENT_MS * 1000)}
    if kind in MOVIES:
        # The starts of the streams are written in ticks of the movie, and must not be rounded.
        ticks = math.lcm(*(base.denominator for base in bases))
        options["movie_timescale"] = str(ticks if ticks < 1 << 31 else max(b.denominator for b in bases))
        if final:
            options["movflags"] = "faststart"
        else:
            options |= {
                "movflags": "delay_moov+default_base_moof",
                "frag_duration": str(FRAGMENT_MS * 1000),
            }
    else:
        options["avoid_negative_ts"] = "disabled"  # see `needed_shift_s`
        if kind == "matroska" and not final:
            options["cluster_time_limit"] = str(FRAGMENT_MS)
    return options
