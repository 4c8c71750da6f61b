"""A recording at its own speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from rtseg.frame import Frame
from rtseg.video.source import BaseSource, Source


class Paced(BaseSource):
    """Gives a source's frames no sooner than their presentation times, counted from the first."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.name)
        self._source = source
        self.rate = source.rate
        self.frame_count = source.frame_count
        self.troubles = source.troubles

    def frames(self) -> Iterator[Frame]:
        """The frames of the source; the time a frame waits here is no part of its age."""
        offset_s: float | None = None
        for frame in self._source.frames():
            if frame.seconds is not None:
                if offset_s is None:
                    offset_s = time.monotonic() - frame.seconds
                time.sleep(max(0.0, offset_s + frame.seconds - time.monotonic()))
            yield replace(frame, captured_ns=time.monotonic_ns())

    def close(self) -> None:
        """Close the source."""
        self._source.close()
