"""Frames from here and there in a recording as one line of frames, without gaps in numbers or times."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

from rtseg.frame import Frame


class TimeLine:
    """Counts the frames that it is given, and adds up the time between them. The first keeps its own time."""

    def __init__(self) -> None:
        self._next_index = 0
        self._pts: int | None = None
        self._time_base: Fraction | None = None

    def append(self, frame: Frame, passed_s: Fraction) -> Frame:
        """The frame as the next of the line, captured now; passed_s is the time since the one before.

        A frame without a time, where the first had none, stays so.
        """
        if self._pts is None or self._time_base is None:
            self._pts, self._time_base = frame.pts, frame.time_base
        else:
            self._pts += max(1, round(passed_s / self._time_base))
        index, self._next_index = self._next_index, self._next_index + 1
        return replace(
            frame,
            index=index,
            captured_ns=time.monotonic_ns(),
            pts=self._pts,
            time_base=self._time_base,
        )
