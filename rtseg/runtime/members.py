"""What a grid is made of: sources that play on whatever happens to the others, live or by their times."""

from __future__ import annotations

import time
from fractions import Fraction

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.runtime.channel import ChannelClosed, LatestSlot
from rtseg.runtime.worker import Worker
from rtseg.video.source import PLAYING, Source

_USUAL_RATE = Fraction(30)
_SAY_AFTER_S = 2.0  # without a picture


class Member:
    """A source of a grid. Used by the thread that takes the grid's frames, unless a method says otherwise."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.ended = False
        self.error: SourceError | None = None
        """What ended it, if that was no ordinary end."""
        self._next_index = self._lost = self._told_lost = 0

    @property
    def doing(self) -> str:
        """PLAYING, or in words for people why not."""
        if self.ended and self.error is not None:
            return str(self.error).removeprefix(f"{self.source.name}: ")
        return "ended" if self.ended else PLAYING

    def lost(self) -> int:
        """Frames that the source did not give, or that were passed over, since this was asked last."""
        lost = self._lost - self._told_lost
        self._told_lost += lost
        return lost

    def _came(self, frame: Frame) -> None:
        """Note it, of every frame of the source."""
        self._lost += max(0, frame.index - self._next_index)
        self._next_index = frame.index + 1

    def stop(self) -> None:
        """Ask for an end. From any thread."""
        self.source.stop()

    def close(self, until: float) -> None:
        """Free the source, unless a call into it does not end in time: then it is left behind.

        until is a time of `time.monotonic()`.
        """
        self.source.close()


class Live(Member):
    """Captured by a thread of its own into a slot, which holds the newest picture."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._slot: LatestSlot[Frame] = LatestSlot()
        self._worker = Worker("capture", self._capture, [self._slot], lambda: None)
        self._came_at: float | None = None

    @property
    def rate(self) -> Fraction:
        return self.source.rate or _USUAL_RATE

    @property
    def doing(self) -> str:
        """As of every member; also when no picture comes for long, whatever the source thinks of it."""
        if self.ended:
            return super().doing
        if self.source.state != PLAYING:
            return self.source.state
        if self._came_at is None:
            return "waiting for the first picture"
        silent_s = time.monotonic() - self._came_at
        return f"no picture for {silent_s:.0f} s" if silent_s >= _SAY_AFTER_S else PLAYING

    def start(self) -> None:
        """Begin to capture."""
        self._worker.start()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest picture, if there is one that was not taken yet or comes in time.

        Raises what the source raised, if that is no SourceError.
        """
        try:
            frame = self._slot.get(timeout_s)
        except TimeoutError:
            return None
        except ChannelClosed as closed:
            self.ended = True
            if isinstance(closed.__cause__, SourceError):
                self.error = closed.__cause__
            elif closed.__cause__ is not None:
                raise closed.__cause__ from None
            return None
        self._came_at = time.monotonic()
        return frame

    def _capture(self) -> None:
        for frame in self.source.frames():
            self._came(frame)
            self._slot.put(frame)

    def stop(self) -> None:
        """Whoever waits for a picture goes on at once."""
        self._slot.close()
        super().stop()

    def close(self, until: float) -> None:
        """To close what a thread still uses could crash the process."""
        if self._worker.is_alive():
            self._worker.join(max(0.0, until - time.monotonic()))
        if not self._worker.is_alive():
            super().close(until)


class Recorded(Member):
    """Read as far as a moment needs it; times count from the first picture."""

    def __init__(self, source: Source, rate: Fraction) -> None:
        """The rate is that of the grid."""
        super().__init__(source)
        self._step = 1 / (source.rate or rate)
        self._frames = source.frames()
        self._upcoming: tuple[Frame, Fraction] | None = None
        self._first_s: Fraction | None = None
        self._end_s = Fraction(0)

    @property
    def next_s(self) -> Fraction:
        """When its next picture is due, or its end."""
        return self._end_s if self._upcoming is None else self._upcoming[1]

    def start(self) -> None:
        """Read the first picture."""
        self._read()

    def advance(self, until_s: Fraction) -> Frame | None:
        """The newest picture up to this moment, if there is a newer one than before."""
        newest: Frame | None = None
        while self._upcoming is not None and self._upcoming[1] <= until_s:
            self._lost += newest is not None  # passed over
            newest, came_s = self._upcoming
            self._end_s = came_s + self._step
            self._read()
        self.ended = self._upcoming is None and self._end_s <= until_s
        return newest

    def _read(self) -> None:
        self._upcoming = None
        try:
            frame = next(self._frames, None)
        except SourceError as error:
            self.error = error
            return
        if frame is None:
            return
        self._came(frame)
        if frame.pts is not None and frame.time_base is not None:
            moment_s = frame.pts * frame.time_base
        else:
            moment_s = frame.index * self._step
        if self._first_s is None:
            self._first_s = moment_s
        self._upcoming = frame, moment_s - self._first_s
