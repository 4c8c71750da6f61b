"""Presentation times that only go forward, whatever a stream's own clock does."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

TIME_BASE = Fraction(1, 90_000)
"""Of all streams' times, so that a connection made anew may count in other units than the last one."""
_JUMP_S = 2  # seconds what a stream's clock may run ahead of ours between two pictures: bursts, late servers


class StreamClock:
    """Follows a stream's clock as long as it makes sense, and bridges with our own where it does not.

    A camera that sets its clock, a file that starts over, an encoder that restarts and a new connection all
    make times jump. Between two frames there then lies the time that has really passed.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self._offset_s = Fraction(0)
        self._last: tuple[Fraction | None, int, int] | None = None

    def restart(self) -> None:
        """A new connection follows: its times have nothing to do with those before."""
        if self._last is not None:
            self._last = (None, *self._last[1:])

    def pts(self, seconds: Fraction | None, arrived_ns: int) -> int:
        """The presentation time in TIME_BASE, greater than the one before.

        seconds is the stream's own time of the frame; None where it has none, and arrival counts.
        """
        if self._last is None:
            pts = 0
            self._offset_s = -(seconds or Fraction(0))
        else:
            last_s, last_pts, last_ns = self._last
            passed_s = Fraction(arrived_ns - last_ns, 10**9)
            moment_s = last_pts * TIME_BASE + passed_s
            if seconds is not None:
                latest_s = None if last_s is None else last_s + passed_s + _JUMP_S
                if last_s is not None and latest_s is not None and last_s < seconds <= latest_s:
                    moment_s = seconds + self._offset_s
                else:
                    self.jumps += last_s is not None and abs(seconds - last_s) > _JUMP_S
                    self._offset_s = moment_s - seconds
            pts = max(last_pts + 1, round(moment_s / TIME_BASE))
        self._last = (seconds, pts, arrived_ns)
        return pts


class Pace:
    """Gives pictures that come in bursts at their own speed, as a camera would."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._offset_s: float | None = None

    def wait_for(self, pts: int) -> int:
        """Wait until the picture is due, or stopped; gives the time then, `time.monotonic_ns()`.

        One that comes late sets the pace anew: nothing is hurried to make up for it.
        """
        seconds = float(pts * TIME_BASE)
        now_s = time.monotonic()
        if self._offset_s is None or self._offset_s + seconds < now_s:
            self._offset_s = now_s - seconds
        else:
            self._stopping.wait(self._offset_s + seconds - now_s)
        return time.monotonic_ns()
