"""A stage's thread holds nothing once it has ended."""

from __future__ import annotations

import gc
import weakref

from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.worker import Worker


class Owner:
    """As a pipeline does, it holds the thread that works with it."""

    def __init__(self) -> None:
        self.worker = Worker("test", self.work, [LatestSlot[int]()], self.ended)

    def work(self) -> None:
        pass

    def ended(self) -> None:
        pass


def test_what_has_ended_is_freed_without_the_garbage_collector() -> None:
    owner = Owner()
    gone = weakref.ref(owner)
    owner.worker.start()
    owner.worker.join()
    gc.disable()
    try:
        del owner
        assert gone() is None
    finally:
        gc.enable()
