"""A recording at its own speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from rtseg.closing import Closing
from rtseg.frame import Frame
from rtseg.video.source import Source

_LONGEST_WAIT_S = 1.0  # nobody wants to sit through a gap of minutes, nor wait for them to end the program


class Paced(Closing):
    """Gives a source's frames no sooner than their presentation times, counted from the first.

    Gaps of more than a second are shortened to one.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.live = source.live
        self.keeps_up = source.keeps_up
        self.rate = source.rate
        self.size = source.size
        self.tiles = source.tiles
        self.frame_count = source.frame_count
        self.files = source.files
        self.troubles = source.troubles

    @property
    def state(self) -> str:
        """What the source does."""
        return self._source.state

    @property
    def reconnects(self) -> int:
        """How often the source came back."""
        return self._source.reconnects

    def frames(self) -> Iterator[Frame]:
        """The frames of the source; the time a frame waits here is no part of its age."""
        offset_s: float | None = None
        for frame in self._source.frames():
            if frame.seconds is not None:
                if offset_s is None:
                    offset_s = time.monotonic() - frame.seconds
                wait_s = offset_s + frame.seconds - time.monotonic()
                offset_s -= max(0.0, wait_s - _LONGEST_WAIT_S)
                time.sleep(min(max(0.0, wait_s), _LONGEST_WAIT_S))
            yield replace(frame, captured_ns=time.monotonic_ns())

    def stop(self) -> None:
        """End the source's frames."""
        self._source.stop()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
