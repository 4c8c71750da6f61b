"""A recording with a place in it: forward, back by a frame, and to the frame that is shown at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Protocol, runtime_checkable

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.video.source import Source

_USUAL_RATE = Fraction(30)
_KEPT_BYTES = 24 << 20  # of frames behind the place, so that the next steps back decode nothing
_MOST_KEPT = 16
_FURTHER_BACK_S = (0, 1, 5, 25)
"""Where to search from when the key frame that was found lies behind the place: indices are often wrong."""
_NEAR_S = 1  # ahead, which is read up to sooner than it is found


@runtime_checkable
class Recorded(Source, Protocol):
    """A source that can be read from anywhere."""

    duration_s: float | None
    """From its first frame to its end, where it is known."""
    seekable: bool
    """Whether that is quick; if not, it is read from its beginning up to there."""

    def seek(self, seconds: float | None) -> None:
        """Have the next `frames()` begin near this presentation time, before it if possible.

        With None they begin anew.
        """

    def hurry(self, on: bool) -> None:
        """Leave out frames that no other needs, as long as it is on."""


def never() -> bool:
    """Let a search go on to its end."""
    return False


class Tape:
    """The frames of a source around the current one. Used by one thread.

    All methods raise SourceError where the source does. Places are exact seconds from the first frame.
    """

    def __init__(self, source: Source) -> None:
        self.current: Frame | None = None
        self._source = source
        self._recorded = source if isinstance(source, Recorded) else None
        self._before: deque[Frame] = deque()
        self._after: deque[Frame] = deque()
        self._frames: Iterator[Frame] = iter(())
        self._began = False
        self._first_s: Fraction | None = None
        self._in_haste = self._has_gaps = False
        self.step_s = 1 / (source.rate or _USUAL_RATE)

    @property
    def duration_s(self) -> float | None:
        """From any thread."""
        return None if self._recorded is None else self._recorded.duration_s

    @property
    def seekable(self) -> bool:
        """From any thread."""
        return self._recorded is not None and self._recorded.seekable

    @property
    def rewinds(self) -> bool:
        """Whether it can go back at all. From any thread."""
        return self._recorded is not None

    def place_s(self, frame: Frame) -> Fraction:
        """Seconds from the first frame to this one."""
        return self._presented_s(frame) - (self._first_s or 0)

    def follows(self, frame: Frame | None) -> bool:
        """Whether the current frame is the next one after this."""
        return bool(self._before) and self._before[-1] is frame

    def peek(self) -> Frame | None:
        """The frame after the current one; None at the end."""
        if not self._began:
            self._began = True
            self._frames = self._source.frames()
        if not self._after:
            frame = next(self._frames, None)
            if frame is None:
                return None
            if self._first_s is None:
                self._first_s = self._presented_s(frame)
            self._after.append(frame)
        return self._after[0]

    def forward(self) -> Frame | None:
        """Go to the next frame; None at the end, where the place stays."""
        if self.peek() is None:
            return None
        if self.current is not None:
            self._keep(self.current)
        self.current = self._after.popleft()
        return self.current

    def back(self, interrupted: Callable[[], bool] = never) -> Frame | None:
        """Go to the frame before; None at the beginning, where the place stays."""
        current = self.current
        if current is None or not self._before:
            if current is None or self._recorded is None or self.place_s(current) <= 0:
                return None
            return self.seek(self.place_s(current) - (current.time_base or self.step_s) / 2, interrupted)
        self._after.appendleft(current)
        self.current = self._before.pop()
        return self.current

    def seek(self, place_s: Fraction, interrupted: Callable[[], bool] = never) -> Frame | None:
        """Go to the frame that is shown at this time, or to the last one. None where that is impossible.

        interrupted ends the search, where it has come to by then. It is asked after each frame.
        """
        if self._first_s is None:
            self.peek()
        if self._recorded is None or self._first_s is None:
            return None
        place_s = max(Fraction(0), place_s)
        current = None if self._has_gaps else self.current
        if current is not None and 0 <= place_s - self.place_s(current) < _NEAR_S:
            self._read_to(place_s, interrupted)
            return self.current
        for further_s in (*_FURTHER_BACK_S, place_s):
            from_s = max(Fraction(0), place_s - further_s)
            if self._search(self._recorded, from_s, place_s, interrupted) or from_s == 0 or interrupted():
                break
        return self.current or self.forward()

    def _search(
        self, recorded: Recorded, from_s: Fraction, place_s: Fraction, interrupted: Callable[[], bool]
    ) -> bool:
        """Read from one place to another; False when it was passed before a frame was read."""
        try:
            self._begin_at(recorded, from_s)
            self.peek()
        except SourceError:
            if not recorded.seekable:
                raise
            recorded.seekable = False  # it was said to be, and is not: a server without byte ranges
            self._begin_at(recorded, from_s)
        self._read_to(place_s, interrupted)
        return self.current is not None

    def _read_to(self, place_s: Fraction, interrupted: Callable[[], bool]) -> None:
        upcoming = self.peek()
        while upcoming is not None and self.place_s(upcoming) <= place_s:
            self.forward()
            if interrupted():
                break
            upcoming = self.peek()

    def _begin_at(self, recorded: Recorded, from_s: Fraction) -> None:
        self.close()
        # Without haste: what it leaves out may be the very frame, by the order of decoding.
        self.hurry(False)
        self._has_gaps = False
        self._before.clear()
        self._after.clear()
        self.current = None
        # A little more, for seconds as a float must not fall short of the frame's own time. And not by a
        # search to the beginning: that of an MPEG transport stream finds the second key frame.
        recorded.seek(float(from_s + (self._first_s or 0)) + 1e-6 if from_s > 0 else None)
        self._frames = self._source.frames()

    def hurry(self, on: bool) -> None:
        """Leave out what can be left out, as long as it is on."""
        if self._recorded is not None and on != self._in_haste:
            self._in_haste = on
            self._has_gaps |= on
            self._recorded.hurry(on)

    def settle(self, interrupted: Callable[[], bool] = never) -> None:
        """Have all frames around the current one again, after haste left some out."""
        if self._has_gaps and self.current is not None:
            self.seek(self.place_s(self.current), interrupted)

    def _keep(self, frame: Frame) -> None:
        self._before.append(frame)
        size = max(1, sum(plane.nbytes for plane in frame.planes))
        while len(self._before) > max(1, min(_MOST_KEPT, _KEPT_BYTES // size)):
            self._before.popleft()

    def _presented_s(self, frame: Frame) -> Fraction:
        if frame.pts is None or frame.time_base is None:
            return frame.index * self.step_s
        return frame.pts * frame.time_base

    def close(self) -> None:
        """Let go of the source's frames; it can be sought again."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()
        self._frames = iter(())
