"""What a recording made here is encoded with, and when its frames are shown."""

from __future__ import annotations

from fractions import Fraction

from rtseg.frame import Frame

CODEC = "libx264"
_CLOCK = Fraction(1, 90_000)  # for sources without presentation times: a tick fine enough for any camera


class Times:
    """Presentation times of a recording, each frame's own; from the clock where the source knows none."""

    def __init__(self, first: Frame, *, from_zero: bool = False) -> None:
        """With from_zero the first frame is at zero, else at its own time, if that is not before zero."""
        self.time_base = first.time_base or _CLOCK
        self._first_ns = first.captured_ns
        first_pts = first.pts or 0
        self._shift = -first_pts if from_zero else max(0, -first_pts)  # players leave out what lies before 0
        self._last_pts: int | None = None

    def pts(self, frame: Frame) -> int:
        """In ticks of the time base; never the same twice."""
        if frame.pts is not None:
            pts = frame.pts + self._shift
        else:
            pts = round((frame.captured_ns - self._first_ns) / 1e9 / _CLOCK)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts
