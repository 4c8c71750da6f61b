"""A thread that waits for a device or a server, so that nobody else has to.

A read that blocks inside a library cannot be ended from outside. Here it blocks a thread of its own: whoever
takes the items can be stopped at any moment, and the thread ends when its read does.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_S = 0.1


class Silent(Exception):
    """Nothing came for too long."""


@dataclass(frozen=True)
class _End:
    error: Exception | None


class Feed(Generic[T]):
    """Runs `produce` in a thread, and hands its items to one taker in order; a slow taker makes it wait.

    `finish` is called by the same thread at the very end: after `produce` has ended and the taker has let go,
    since items may need what it frees.
    """

    def __init__(
        self,
        name: str,
        produce: Callable[[], Iterator[T]],
        finish: Callable[[], None] = lambda: None,
        *,
        capacity: int = 8,
    ) -> None:
        self._produce = produce
        self._finish = finish
        self._items: queue.Queue[T | _End] = queue.Queue(capacity)
        self._released = threading.Event()
        # A daemon, for a program that ends does not wait for a server that has stopped answering.
        threading.Thread(target=self._run, name=f"rtseg-{name}", daemon=True).start()

    def items(
        self,
        stopping: threading.Event,
        *,
        patience_s: float | None = None,
        waiting: Callable[[float], None] = lambda _: None,
    ) -> Iterator[T]:
        """What is produced, until its end or until `stopping`. Raises what `produce` raises.

        Raises Silent when nothing comes for `patience_s`; `waiting` is told every now and then for how many
        seconds nothing came.
        """
        came_at = time.monotonic()
        while not stopping.is_set():
            try:
                item = self._items.get(timeout=_POLL_S)
            except queue.Empty:
                silent_s = time.monotonic() - came_at
                waiting(silent_s)
                if patience_s is not None and silent_s >= patience_s:
                    raise Silent from None
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            came_at = time.monotonic()

    def release(self) -> None:
        """The taker lets go: the thread ends as soon as its read does. Harmless when done twice."""
        self._released.set()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            for item in self._produce():
                if not self._offer(item):
                    break
        except Exception as raised:  # whatever it is, the taker shall raise it
            error = raised
        self._offer(_End(error))
        self._released.wait()
        self._finish()

    def _offer(self, item: T | _End) -> bool:
        while not self._released.is_set():
            try:
                self._items.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False
