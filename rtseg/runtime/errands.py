"""A thread that does one thing after the other, so that whoever asks for it never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from rtseg.runtime.channel import BoundedQueue, ChannelClosed

Errand = Callable[[], None]
_IDLE_S = 0.05
_MOST = 1000  # more than anybody can give: to put one never waits


class Errands:
    """Started, asked and closed by any thread; what it calls is called by its own."""

    def __init__(self, name: str, *, do: Callable[[Errand], None], idle: Errand, last: Errand) -> None:
        """It calls `do` for each errand, `idle` while there is none, and `last` before it ends."""
        self._do, self._idle, self._last = do, idle, last
        self._closing = threading.Event()
        self._errands: BoundedQueue[Errand] = BoundedQueue(_MOST)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin with the first."""
        self._thread.start()

    def ask(self, errand: Errand) -> None:
        """Have it done; passed over on the way out."""
        with suppress(ChannelClosed):
            self._errands.put(errand)

    @property
    def closing(self) -> bool:
        """Whether the end has been asked for."""
        return self._closing.is_set()

    def close(self) -> None:
        """Ask for the end, after what is being done now; `join` waits for it."""
        self._closing.set()
        self._errands.close()

    def join(self, timeout: float) -> bool:
        """Wait for the end; True when it came in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with suppress(ChannelClosed):
            while not self.closing:
                try:
                    errand = self._errands.get(timeout=_IDLE_S)
                except TimeoutError:
                    self._idle()
                else:
                    self._do(errand)
        self._last()
