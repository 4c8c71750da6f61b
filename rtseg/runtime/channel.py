"""What stages hand frames through: one interface, two kinds. All the locks of rtseg live here.

LatestSlot keeps only the newest item, for live sources: a slow taker makes older ones fall out, counted.
BoundedQueue makes the giver wait, for recordings: nothing is ever lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ChannelClosed(Exception):  # an end, not an error of a user
    """No more items: the other side is done, or died; then `__cause__` is its error."""


class Channel(Generic[T]):
    """One giver, one taker, each in its own thread. Every method may be called from any thread."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
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
        raise NotImplementedError

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
        super().__init__(capacity=1)

    def _make_room(self) -> None:
        if len(self._items) == self.capacity and not self._closed:
            self._items.popleft()
            self.dropped += 1


class BoundedQueue(Channel[T]):
    """Holds a few items in order; a giver waits until there is room."""

    def __init__(self, capacity: int = 4) -> None:
        super().__init__(capacity)

    def _make_room(self) -> None:
        while len(self._items) >= self.capacity and not self._closed:
            self._changed.wait()
