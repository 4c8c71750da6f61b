"""Work that a stage hands to a thread of its own, so that it is not held up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rtseg.runtime.channel import Channel, ChannelClosed
from rtseg.runtime.worker import Worker

T = TypeVar("T")


class Aside(Generic[T]):
    """Does `work` with one item after the other, in a thread that is there from the first item to `close`.

    The kind of channel says what happens when it cannot keep up: the giver waits, or older items drop out.
    Used by one thread.
    """

    def __init__(self, name: str, work: Callable[[T], None], channel: Callable[[], Channel[T]]) -> None:
        self._name = name
        self._work = work
        self._make_channel = channel
        self._running: tuple[Worker, Channel[T]] | None = None

    def put(self, item: T) -> None:
        """Hand an item over. Raises what an earlier one has failed with."""
        if self._running is None:
            channel = self._make_channel()
            worker = Worker(self._name, lambda: self._work_off(channel), [channel], lambda: None)
            self._running = worker, channel
            worker.start()
        try:
            self._running[1].put(item)
        except ChannelClosed:
            self.close()

    def _work_off(self, channel: Channel[T]) -> None:
        while True:
            self._work(channel.get())

    def close(self) -> None:
        """Wait until what was handed over is done. Raises what failed, once; harmless when done twice."""
        running, self._running = self._running, None
        if running is None:
            return
        worker, channel = running
        channel.close()
        worker.join()
        if worker.error is not None:
            raise worker.error
