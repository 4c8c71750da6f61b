"""What stages hand frames through: one interface, two kinds. All the locks of rtseg live here.

LatestSlot keeps only the newest item, for live sources: a slow taker makes older ones fall out, counted.
BoundedQueue makes the giver wait, for recordings: nothing is ever lost. StageChannel is either, and may
change from one to the other while it is used.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")
_QUEUED = 4


class ChannelClosed(Exception):  # an end, not an error of a user
    """No more items: the other side is done, or died; then `__cause__` is its error."""


class Channel(Generic[T]):
    """One giver, one taker, each in its own thread. Every method may be called from any thread.

    It holds up to `capacity` items. When it is full the oldest falls out if it `drops`, counted in `dropped`;
    else the giver waits.
    """

    def __init__(self, capacity: int, *, drops: bool) -> None:
        self.capacity = capacity
        self.drops = drops
        self.dropped = 0
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Hand an item over. Raises ChannelClosed when nobody will take it any more."""
        with self._changed:
            self._make_room()
            if self._closed:
                raise ChannelClosed from self._error
            self._items.append(item)
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Called with the lock held."""
        while len(self._items) >= self.capacity and not self._closed:
            if self.drops:
                self._items.popleft()
                self.dropped += 1
            else:
                self._changed.wait()

    def get(self, timeout: float | None = None) -> T:
        """Take the next item. Raises ChannelClosed at the end, TimeoutError after `timeout` seconds.

        What was put before the close is still handed out, so that an error of the source loses nothing that
        the source had given.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._items:
                if self._closed:
                    raise ChannelClosed from self._error
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._changed.wait(left)
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self, error: BaseException | None = None) -> None:
        """No more items, from either side; the first close counts."""
        with self._changed:
            if not self._closed:
                self._closed = True
                self._error = error
                self._changed.notify_all()


class LatestSlot(Channel[T]):
    """Holds one item; a newer one takes its place, and `dropped` counts those that nobody took."""

    def __init__(self) -> None:
        super().__init__(capacity=1, drops=True)


class BoundedQueue(Channel[T]):
    """Holds a few items in order; a giver waits until there is room."""

    def __init__(self, capacity: int = _QUEUED) -> None:
        super().__init__(capacity, drops=False)


class StageChannel(Channel[T]):
    """Between two stages of the loop: a latest-frame slot or a bounded queue, as the policy asks."""

    def __init__(self, *, latest: bool, queued: int = _QUEUED) -> None:
        """It holds so many items where it is a queue."""
        super().__init__(1 if latest else queued, drops=latest)
        self._queued = queued

    def set_latest(self, latest: bool) -> None:
        """Be a slot or a queue from now on; a giver that waits goes on at once."""
        with self._changed:
            self.capacity, self.drops = (1 if latest else self._queued), latest
            self._changed.notify_all()
