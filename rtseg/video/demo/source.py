"""The demo scene as a source: in time like a camera, or frame after frame as fast as it can be drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

from rtseg.frame import Frame, Size
from rtseg.video.demo.scene import DemoScene
from rtseg.video.source import BaseSource


class DemoSource(BaseSource):
    """The street of a seed, endless; with `paced` it keeps time like a camera."""

    def __init__(
        self, size: Size = (1280, 720), *, seed: int = 0, rate: int = 30, paced: bool = True
    ) -> None:
        super().__init__("demo")
        self.live = paced
        self.rate = Fraction(rate)
        self.size = size
        self._scene = DemoScene(size, seed)

    def frames(self) -> Iterator[Frame]:
        """Frames in BGR; when drawing or the taker is late, the scene has moved on as a real one would."""
        time_base = 1 / Fraction(self.rate or 1)
        started = time.monotonic()
        index = 0
        while True:
            if self.live:
                ahead_s = started + float(index * time_base) - time.monotonic()
                if ahead_s > 0:
                    time.sleep(ahead_s)
                else:
                    index += int(-ahead_s / time_base)
            picture = self._scene.picture(float(index * time_base))
            yield Frame("bgr24", (picture,), index, time.monotonic_ns(), pts=index, time_base=time_base)
            index += 1
