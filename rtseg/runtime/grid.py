"""Several sources as one: their newest pictures side by side on a canvas.

Live, each source has a thread of its own and a slot with its newest picture; recordings alone are read in
step, by their times, without a thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from rtseg.errors import SourceError
from rtseg.frame import Frame, Size
from rtseg.runtime.members import Live, Member, Recorded
from rtseg.runtime.mosaic import Mosaic
from rtseg.video.clock import TIME_BASE, StreamClock
from rtseg.video.player import Player
from rtseg.video.source import PLAYING, BaseSource, Source

CELL = (640, 360)
_USUAL_RATE = Fraction(30)
_SHORTEST_TURN_S, _LONGEST_TURN_S = 1 / 240, 0.1
_EARLY = Fraction(1, 4)  # of a tick may a recorded picture be: containers round their times
_PATIENCE_S = 1.0  # with sources that were asked to stop


class _Turn(NamedTuple):
    """The pictures that are new, each with the number of its source, and when they are shown."""

    new: dict[int, Frame]
    pts: int
    time_base: Fraction


class GridSource(BaseSource):
    """A source made of sources. It is live if any of them is; recordings then play at their own speed.

    Frames are canvases in BGR with a tile for each source. A tile whose source does not play shows the last
    picture without its colours, and says what is the matter. A source that fails is told in `troubles`; an
    error is raised when all have failed.
    """

    def __init__(self, sources: Sequence[Source], cell: Size = CELL) -> None:
        """Takes the sources over. cell is the even (width, height) that each has on the canvas."""
        super().__init__(" + ".join(source.name for source in sources))
        self.live = any(source.live for source in sources)
        self.rate = rate = max((source.rate for source in sources if source.rate), default=_USUAL_RATE)
        self.files = tuple(path for source in sources for path in source.files)
        self._mosaic = Mosaic(len(sources), cell)
        self.size = self._mosaic.size
        self.tiles = tuple(
            replace(self._mosaic.place(number, source.size or cell), playing=False)
            for number, source in enumerate(sources)
        )
        self._live = [
            Live(source if source.live else Player(source, keep_open=False))
            for source in sources
            if self.live
        ]
        self._recorded = [Recorded(source, rate) for source in sources if not self.live]
        self._members: list[Member] = [*self._live, *self._recorded]
        if not self.live:
            self.frame_count = _count(sources, rate)
        self._doing = [""] * len(sources)
        """What each tile says that its source does."""
        self._rate = rate
        self._stopping = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """A canvas whenever a picture is new, or a source does something else. Raises SourceError.

        Its index jumps over the most frames that any source lost. It is as old as the oldest of the pictures
        that are new in it.
        """
        index = -1
        for member in self._members:
            member.source.keeps_up = self.keeps_up
        for turn in self._live_turns() if self.live else self._recorded_turns():
            lost = max(member.lost() for member in self._members)
            changed = self._draw(turn.new)
            self._sum_up()
            if turn.new or changed:
                index += 1 + lost
                captured_ns = min((frame.captured_ns for frame in turn.new.values()), default=0)
                yield Frame(
                    "bgr24",
                    (self._mosaic.canvas(),),
                    index,
                    captured_ns or time.monotonic_ns(),
                    turn.pts,
                    turn.time_base,
                    tiles=self.tiles,
                )
        self._sum_up()
        errors = [str(member.error) for member in self._members if member.error is not None]
        if len(errors) == len(self._members) and not self._stopping.is_set():
            raise SourceError("; ".join(dict.fromkeys(errors)))

    def _live_turns(self) -> Iterator[_Turn]:
        """The source of the highest rate sets the pace; what the others have by then is shown with it."""
        clock = StreamClock()
        for live in self._live:
            live.start()
        while not self._stopping.is_set():
            playing = [number for number, live in enumerate(self._live) if not live.ended]
            if not playing:
                return
            first = max(playing, key=lambda number: self._live[number].rate)
            turn_s = max(_SHORTEST_TURN_S, min(_LONGEST_TURN_S, 1 / float(self._live[first].rate)))
            new: dict[int, Frame] = {}
            for number in sorted(playing, key=lambda number: number != first):
                frame = self._live[number].take(turn_s if number == first else 0)
                if frame is not None:
                    new[number] = frame
            if not self._stopping.is_set():
                yield _Turn(new, clock.pts(None, time.monotonic_ns()), TIME_BASE)

    def _recorded_turns(self) -> Iterator[_Turn]:
        """A tick of the highest rate after the other, but for those at which nothing happens."""
        for recorded in self._recorded:
            recorded.start()
        tick_s = 1 / self._rate
        tick = 0
        while not self._stopping.is_set():
            until_s = (tick + _EARLY) * tick_s
            new: dict[int, Frame] = {}
            for number, recorded in enumerate(self._recorded):
                frame = recorded.advance(until_s)
                if frame is not None:
                    new[number] = frame
            playing = [recorded for recorded in self._recorded if not recorded.ended]
            if new or playing:
                yield _Turn(new, tick, tick_s)
            if not playing:
                return
            due_s = min(recorded.next_s for recorded in playing)
            tick = max(tick + 1, math.ceil(due_s / tick_s - _EARLY))

    def _draw(self, new: dict[int, Frame]) -> bool:
        """Draw what is new; whether any tile says something else than before."""
        tiles = list(self.tiles)
        before = tuple(self._doing)
        for number, member in enumerate(self._members):
            doing = member.doing
            if number in new:
                tiles[number] = self._mosaic.show(number, new[number])
                self._doing[number] = PLAYING
            if doing != PLAYING and doing != self._doing[number]:
                tiles[number] = replace(tiles[number], playing=False)
                self._mosaic.cover(number, tiles[number], f"{member.source.name}\n{doing}")
                self._doing[number] = doing
        self.tiles = tuple(tiles)
        return before != tuple(self._doing)

    def _sum_up(self) -> None:
        """What is asked of the sources is said for all of them."""
        members = self._members
        # As the tiles have it: what a source does may have changed since they were drawn.
        doing = zip(members, self._doing, strict=True)
        idle = [f"{member.source.name}: {text}" for member, text in doing if text not in {"", PLAYING}]
        self.state = "; ".join(idle) or PLAYING
        self.reconnects = sum(member.source.reconnects for member in members)
        told = [trouble for member in members for trouble in member.source.troubles]
        failed = [str(member.error) for member in members if member.error is not None]
        self.troubles[:] = [*told, *failed]

    def stop(self) -> None:
        """Frames end at once. From any thread."""
        self._stopping.set()
        with ExitStack() as stack:  # one that cannot be asked keeps no other from it
            for member in self._members:
                stack.callback(member.stop)

    def close(self) -> None:
        """Close all sources but those in a call that does not end: they are left behind."""
        until = time.monotonic() + _PATIENCE_S
        with ExitStack() as stack:
            for member in self._members:
                stack.callback(member.close, until)
            stack.callback(self.stop)


def _count(sources: Sequence[Source], rate: Fraction) -> int | None:
    """About how many canvases recordings of these lengths make."""
    lengths_s = [source.frame_count / (source.rate or rate) for source in sources if source.frame_count]
    return round(max(lengths_s) * rate) if len(lengths_s) == len(sources) else None
