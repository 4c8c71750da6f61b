"""The threads of a loop together: begun, asked to end, waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rtseg.runtime.worker import Worker

_PATIENCE_S = 1.0  # with a source that was asked to stop
_POLL_S = 0.05


class Stages:
    """The first one takes from the source, in calls that may never end; then it is left behind.

    Made, started and joined by one thread.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = tuple(workers)
        self._stopped_at: float | None = None

    def start(self) -> None:
        """Start all threads."""
        for worker in self._workers:
            worker.start()

    def note_stop(self) -> None:
        """They have been asked to end; the first time counts. From any thread."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether any is still at work, but for one that was left behind."""
        return any(worker.is_alive() for worker in self._workers if not self._left_behind(worker))

    @property
    def abandoned(self) -> bool:
        """Whether the first was left behind, a second after it was asked to end."""
        return self._left_behind(self._workers[0])

    def _left_behind(self, worker: Worker) -> bool:
        stopped_at = self._stopped_at
        if worker is not self._workers[0] or stopped_at is None:
            return False
        return worker.is_alive() and time.monotonic() - stopped_at > _PATIENCE_S

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; True when all have ended. Raises the error that ended one of them."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for worker in self._workers:
            while worker.is_alive() and not self._left_behind(worker):
                left_s = _POLL_S if deadline is None else min(_POLL_S, deadline - time.monotonic())
                if left_s <= 0:
                    return False
                worker.join(left_s)
        for worker in self._workers:
            if worker.error is not None:
                raise worker.error
        return True
