"""Pictures as a recording: so many a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from rtseg.frame import Frame
from rtseg.video.images import ImagesSource
from rtseg.video.source import BaseSource

PICTURES_PER_S = Fraction(2)


class Slides(BaseSource):
    """Gives the pictures times, by their places; those that cannot be read leave gaps."""

    seekable = True

    def __init__(self, pictures: ImagesSource, rate: Fraction = PICTURES_PER_S) -> None:
        super().__init__(pictures.name)
        self.rate = rate
        self.files = pictures.files
        self.frame_count = pictures.frame_count
        self.troubles = pictures.troubles
        self.duration_s = float(len(pictures.files) / rate)
        self._pictures = pictures
        self._first = 0

    def frames(self) -> Iterator[Frame]:
        """The pictures from the place that was sought, else from the first."""
        time_base = 1 / Fraction(self.rate or PICTURES_PER_S)
        for frame in self._pictures.frames(self._first):
            yield replace(frame, pts=frame.index, time_base=time_base)

    def seek(self, seconds: float | None) -> None:
        """Have the next `frames()` begin with the picture of this time; with None with the first."""
        self._first = min(max(0, int((seconds or 0.0) * (self.rate or 1))), len(self.files) - 1)

    def hurry(self, on: bool) -> None:
        """There is nothing to leave out: each picture stands for itself."""
