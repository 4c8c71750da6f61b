"""Where the segments of a clip begin: decided by its packets alone, so that every run finds the same.

A segment begins at the first key frame two seconds or more after its predecessor's beginning; where there is
none within three, at the next frame, so that a resume never repeats more than that.
"""

from __future__ import annotations

from fractions import Fraction

MIN_S = 2
MAX_S = 3


class Borders:
    """Fed in decoding order by the thread that reads; `starts` only grows, and any thread may look."""

    def __init__(self, time_base: Fraction, after: int | None = None) -> None:
        """Times are in ticks of time_base. after is a border that is known; those behind it are found."""
        self.starts: list[int] = [] if after is None else [after]
        self._min = round(MIN_S / time_base)
        self._max = round(MAX_S / time_base)
        self._waits_for = after

    def see(self, pts: int, *, is_key: bool) -> None:
        """A packet to be shown at pts; where packets say no such times, a frame."""
        if self._waits_for is not None:  # a decoder begins at the key frame before
            if pts < self._waits_for:
                return
            self._waits_for = None
        length = pts - self.starts[-1] if self.starts else self._max
        if length >= self._max or (is_key and length >= self._min):
            self.starts.append(pts)
