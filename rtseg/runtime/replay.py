"""The last seconds of what was seen, kept encoded in memory, to be saved after something has happened.

Kept as groups of packets, each a second that begins with a key frame: the oldest groups fall out, and what is
saved are whole groups, written as they are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation, Size
from rtseg.runtime.aside import Aside
from rtseg.runtime.channel import LatestSlot
from rtseg.video.encoding import CODEC, Times
from rtseg.video.picture import Pictures
from rtseg.video.video_file import FORMATS, VideoFile, told_as_sink_error
from rtseg.video.video_sink import USUAL_RATE

# Each packet comes out with its frame, on the one thread that encodes; key frames only where asked for.
_OPTIONS = {
    "preset": "ultrafast", "tune": "zerolatency", "crf": "23", "bf": "0",
    "g": "1000000", "forced-idr": "1",
}  # fmt: skip
_GROUP_S = 1


@dataclass(frozen=True)
class _Coded:
    """A frame as H.264, with parameter sets before it where it is a key frame."""

    data: bytes
    pts: int


@dataclass
class _Group:
    """Grows at its end while it is the last one. A reader copies the list in one step."""

    first_pts: int
    packets: list[_Coded] = field(default_factory=list)
    size_bytes: int = 0


@dataclass(frozen=True)
class _Kept:
    """Only its last group changes, by growing; put in place as a whole, so that any thread may read it."""

    size: Size
    time_base: Fraction
    rate: Fraction
    groups: tuple[_Group, ...]


class _Encoder:
    """Frames of one size and clock to groups of packets; used by the encoding thread."""

    def __init__(self, first: Frame, rate: Fraction) -> None:
        self._like = _alike(first)
        self._last_pts = first.pts
        context = av.CodecContext.create(CODEC, "w")
        assert isinstance(context, VideoCodecContext)
        self._context = context
        self._pictures = Pictures.like(first)
        self._pictures.describe_to(context)
        self._times = Times(first, from_zero=True)
        self.time_base = context.time_base = self._times.time_base
        context.framerate = rate
        context.thread_count = 1
        context.options = _OPTIONS
        self.size = self._pictures.size

    def takes(self, frame: Frame) -> bool:
        """Whether a frame can go on where the last one was, or is another video."""
        goes_on = frame.pts is None or self._last_pts is None or frame.pts > self._last_pts
        return goes_on and _alike(frame) == self._like

    def pts(self, frame: Frame) -> int:
        """When it is shown, in the time base."""
        self._last_pts = frame.pts
        return self._times.pts(frame)

    def encode(self, frame: Frame, pts: int, *, key: bool) -> list[_Coded]:
        picture = self._pictures(frame)
        picture.pts, picture.time_base = pts, self.time_base
        picture.pict_type = PictureType.I if key else PictureType.NONE
        return [_Coded(bytes(packet), packet.pts or 0) for packet in self._context.encode(picture)]


def _alike(frame: Frame) -> tuple[object, ...]:
    return frame.size, frame.time_base, frame.pixel_format, frame.color, frame.pts is None


class Replay:
    """A sink that keeps the last seconds and saves them when asked, from any thread.

    Encodes in a thread of its own, from the first frame until it is closed; frames that come while it is busy
    are left out, so that it holds nobody up. After a source of another size, or of times that go back, it
    keeps what comes from then on. tools/bench_captures.py says what it costs.
    """

    def __init__(
        self, seconds: float = 10.0, *, rate: Fraction | None = None, max_bytes: int = 64 << 20
    ) -> None:
        """Up to a second more is kept, and less where it would take more than max_bytes of memory."""
        self._seconds = seconds
        self._rate = rate or USUAL_RATE
        self._max_bytes = max_bytes
        self.encoded = 0
        """Frames that were encoded so far. Read by any thread."""
        self._kept: _Kept | None = None
        self._encoder: _Encoder | None = None
        self._groups: deque[_Group] = deque()
        self._aside: Aside[Frame] = Aside("replay", self._encode, LatestSlot)

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Hand the blended frame to the encoding thread. Raises SinkError when that has failed."""
        try:
            self._aside.put(blended)
        except Exception as error:
            raise SinkError(f"the last seconds cannot be kept ({error})") from error

    def close(self) -> None:
        """End the thread. What was kept can still be saved. Raises SinkError when it has failed."""
        try:
            self._aside.close()
        except Exception as error:
            raise SinkError(f"the last seconds cannot be kept ({error})") from error
        finally:
            self._encoder = None  # what comes next is another video

    @property
    def memory_bytes(self) -> int:
        """What the packets take. From any thread."""
        kept = self._kept
        return sum(group.size_bytes for group in kept.groups) if kept else 0

    def _encode(self, frame: Frame) -> None:
        encoder = self._encoder
        if encoder is None or not encoder.takes(frame):
            encoder, self._groups = _Encoder(frame, self._rate), deque()
        self._encoder = encoder
        self._add(self._groups, encoder, frame)
        self._kept = _Kept(encoder.size, encoder.time_base, self._rate, tuple(self._groups))
        self.encoded += 1

    def _add(self, groups: deque[_Group], encoder: _Encoder, frame: Frame) -> None:
        pts, time_base = encoder.pts(frame), encoder.time_base
        if (
            not groups
            or (pts - groups[-1].first_pts) * time_base >= _GROUP_S
            or groups[-1].size_bytes > self._max_bytes // 4
        ):
            groups.append(_Group(pts))
        group = groups[-1]
        for coded in encoder.encode(frame, pts, key=not group.packets):
            group.packets.append(coded)
            group.size_bytes += len(coded.data)
        while len(groups) > 1 and (
            (pts - groups[1].first_pts) * time_base >= self._seconds
            or sum(each.size_bytes for each in groups) > self._max_bytes
        ):
            groups.popleft()

    def save(self, path: Path) -> float:
        """Write what is kept as .mp4 or .mov, one that is there is replaced; -> seconds. From any thread.

        Each frame has its own time, counted from the first. Nothing is encoded again. Raises SinkError.
        """
        if FORMATS.get(path.suffix.lower()) not in {"mp4", "mov"}:
            raise SinkError(f"{path}: the last seconds are kept as MP4; name it {path.stem}.mp4")
        kept = self._kept
        coded = [each for group in kept.groups for each in tuple(group.packets)] if kept else []
        if kept is None or not coded:
            raise SinkError(f"{path}: no picture has come yet that could be saved")
        keys = {group.first_pts for group in kept.groups}
        first_pts = coded[0].pts
        usual = coded[-1].pts - coded[-2].pts if len(coded) > 1 else round(1 / kept.rate / kept.time_base)
        ends = [*(each.pts for each in coded[1:]), coded[-1].pts + usual]
        width, height = kept.size
        with told_as_sink_error(path):
            file = VideoFile(path, kept.time_base)
            try:
                stream = file.container.add_mux_stream(
                    "h264", rate=kept.rate, width=width, height=height, time_base=kept.time_base
                )
                for each, end in zip(coded, ends, strict=True):
                    packet = Packet(each.data)
                    packet.stream, packet.time_base = stream, kept.time_base
                    packet.pts = packet.dts = each.pts - first_pts
                    packet.duration, packet.is_keyframe = end - each.pts, each.pts in keys
                    file.container.mux(packet)
            except BaseException:
                file.discard()
                raise
            file.finish()
        return float((ends[-1] - first_pts) * kept.time_base)
