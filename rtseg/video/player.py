"""A recording as it is watched: at its own speed or another, paused, by steps, from any place, in a loop."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

from rtseg.errors import ConfigError, SourceError
from rtseg.frame import Frame
from rtseg.video.images import ImagesSource
from rtseg.video.position import Position
from rtseg.video.slides import PICTURES_PER_S, Slides
from rtseg.video.source import BaseSource, Source
from rtseg.video.tape import Tape
from rtseg.video.time_line import TimeLine

PAUSED = "paused"
ENDED = "ended"
SLOWEST, FASTEST = 0.25, 4.0
_LONGEST_WAIT_S = 1.0  # nobody wants to sit through a gap of minutes
_LATE_S = 0.25  # after which time is not made up for by playing faster
_BEHIND_S = 0.1
_NEAR_S = 5

Command = Callable[[], "Frame | None"]


class Player(BaseSource):
    """Gives a source's frames no sooner than their times. What it does can be changed from any thread.

    The frames that come out are numbered anew, and their times go on where they jump: by a frame's time, so
    that a recording of what is seen has no gaps. Else they keep the distances that they have in the file, at
    any speed. The time that a frame waits here is no part of its age.

    `position_s` is the place in the file. Where frames come late, by a slow network or decoder, the file just
    plays slower. Gaps of more than a second are waited for as if they were of one.
    """

    def __init__(
        self, source: Source, *, keep_open: bool = True, pictures_per_s: Fraction = PICTURES_PER_S
    ) -> None:
        """Takes the source over. With keep_open it stays at the last frame, else it ends there."""
        if isinstance(source, ImagesSource):
            source = Slides(source, pictures_per_s)
        super().__init__(source.name)
        self.live = source.live
        self.keeps_up = source.keeps_up
        self.rate = source.rate
        self.size = source.size
        self.tiles = source.tiles
        self.frame_count = source.frame_count
        self.files = source.files
        self.troubles = source.troubles
        self.loop = False
        self._source = source
        self._keep_open = keep_open
        self._tape = Tape(source)
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._target_s: Fraction | None = None
        self._speed = 1.0
        self._paused = self._ended = self._stopped = False
        self._position_s = 0.0
        self._shown: Frame | None = None
        self._line = TimeLine()
        self._anchor = 0.0, 0.0

    @property
    def state(self) -> str:  # type: ignore[override]
        """PLAYING, PAUSED, ENDED, or what keeps the source from giving frames."""
        if self._ended:
            return ENDED
        if self._paused:
            return PAUSED
        return self._source.state

    @property
    def reconnects(self) -> int:  # type: ignore[override]
        """How often the source came back."""
        return self._source.reconnects

    @property
    def paused(self) -> bool:
        """Whether it stands still, at the end too."""
        return self._paused or self._ended

    @property
    def position_s(self) -> float:
        """Of the last frame that was given, from the first; of the one that is sought, as long as it is."""
        target_s = self._target_s
        return self._position_s if target_s is None else float(target_s)

    @property
    def duration_s(self) -> float | None:
        """Of the whole, where it is known."""
        return self._tape.duration_s

    @property
    def seekable(self) -> bool:
        """Whether any place is found quickly."""
        return self._tape.seekable and self._tape.duration_s is not None

    @property
    def position(self) -> Position:
        """All of it at once, for a display."""
        return Position(
            self.position_s,
            self.duration_s,
            self.paused,
            self._speed,
            self.loop,
            self.seekable,
            self._ended,
        )

    @property
    def speed(self) -> float:
        """1 is its own."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ConfigError(f"speed {speed:g}: expected {SLOWEST:g} to {FASTEST:g}")
        self._speed = speed
        self._commands.put(self._anchored)

    def pause(self) -> None:
        """Stand still at the frame that is shown."""
        self._paused = True
        self._commands.put(self._do_pause)

    def resume(self) -> None:
        """Play on; from the beginning, where it has ended."""
        self._paused = False
        self._commands.put(self._do_resume)

    def step(self, frames: int = 1) -> None:
        """Pause, and go so many frames forward, or back."""
        self._paused = True
        self._commands.put(lambda: self._do_step(frames))

    def seek(self, seconds: float) -> None:
        """Go to the frame that is shown so many seconds after the first; of several calls the last counts.

        One that has ended stays paused there.
        """
        # In exact microseconds: 0.04 as a float is less than 1/25, and would be in the frame before.
        place_s = Fraction(max(0.0, seconds)).limit_denominator(1_000_000)
        if self.duration_s is not None:
            place_s = min(place_s, Fraction(self.duration_s))
        self._target_s = place_s
        self._commands.put(self._do_seek)

    def repeat(self) -> None:
        """Give the frame that is shown once more, for a network or a window that has not seen it."""
        self._commands.put(lambda: self._tape.current)

    def frames(self) -> Iterator[Frame]:
        """The frames, until the end or until `stop`. Raises SourceError when the source fails."""
        try:
            yield from self._played()
        except SourceError:
            if not self._stopped:  # a search that was ended has found nothing, and that is no error
                raise

    def _played(self) -> Iterator[Frame]:
        frame = self._tape.forward()
        if frame is not None:
            self._anchored(frame)
        while not self._stopped:
            if frame is not None:
                yield self._continued(frame)
            try:
                command = self._commands.get(timeout=self._wait_s())
            except queue.Empty:
                frame = self._tape.forward() or self._from_start()
                if frame is None:
                    if not self._keep_open:
                        return
                    self._ended = True
            else:
                frame = command()

    def _wait_s(self) -> float | None:
        """Until the next frame is due; None where nothing but a command makes it go on."""
        if self.paused:
            return None
        upcoming, current = self._tape.peek(), self._tape.current
        if upcoming is not None:
            place_s = float(self._tape.place_s(upcoming))
        elif self.loop and current is not None:
            place_s = float(self._tape.place_s(current) + self._tape.step_s)
        else:
            return 0.0
        began, from_s = self._anchor
        now = time.monotonic()
        wait_s = began + (place_s - from_s) / self._speed - now
        if not -_LATE_S <= wait_s <= _LONGEST_WAIT_S:
            wait_s = min(max(0.0, wait_s), _LONGEST_WAIT_S)
            self._anchor = now + wait_s, place_s
        self._tape.hurry(self.keeps_up and self._speed > 1 and wait_s < -_BEHIND_S)
        return max(0.0, wait_s)

    def _from_start(self) -> Frame | None:
        """The first frame again, where it is to go round."""
        if not self.loop or not self._tape.rewinds:
            return None
        frame = self._tape.seek(Fraction(0), lambda: self._stopped)
        return self._anchored(frame)

    def _do_pause(self) -> None:
        self._paused = True

    def _do_resume(self) -> Frame | None:
        self._paused = False
        if not self._ended:
            return self._anchored()
        self._ended = False
        return self._anchored(self._tape.seek(Fraction(0), lambda: self._stopped))

    def _do_step(self, frames: int) -> Frame | None:
        self._paused = True
        frame: Frame | None = None
        self._tape.settle(lambda: self._stopped)
        for _ in range(abs(frames)):
            moved = self._tape.forward() if frames > 0 else self._tape.back(lambda: self._stopped)
            if moved is None:
                self._ended = frames > 0
                break
            frame = moved
            self._ended = False
        return frame

    def _do_seek(self) -> Frame | None:
        target_s = self._target_s
        if target_s is None:
            return None
        frame = self._tape.seek(target_s, lambda: self._stopped or self._target_s is not target_s)
        if frame is not None:
            self._paused |= self._ended
            self._ended = False
        if self._target_s is target_s:
            if frame is not None:
                self._position_s = float(self._tape.place_s(frame))
            self._target_s = None
        elif frame is not None and target_s - self._tape.place_s(frame) > _NEAR_S:
            return None
        # One that was to go elsewhere by then is seen where it has come to, if that is near: so there are
        # pictures while the place is dragged.
        return self._anchored(frame)

    def _anchored(self, frame: Frame | None = None) -> Frame | None:
        """Count the time from now and here on."""
        current = self._tape.current
        if current is not None:
            self._anchor = time.monotonic(), float(self._tape.place_s(current))
        return frame

    def _continued(self, frame: Frame) -> Frame:
        """The frame as it is given: its time goes on from the one before."""
        passed_s = self._tape.step_s
        if self._shown is not None and self._tape.follows(self._shown):
            passed_s = self._tape.place_s(frame) - self._tape.place_s(self._shown)
        self._position_s = float(self._tape.place_s(frame))
        self._shown = frame
        return self._line.append(frame, passed_s)

    def stop(self) -> None:
        """End the frames at once. From any thread."""
        self._stopped = True
        self._commands.put(lambda: None)
        self._source.stop()

    def close(self) -> None:
        """Close the source."""
        self._tape.close()
        self._source.close()
