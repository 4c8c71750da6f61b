"""The one thread that owns the GPU: it enters the context, does what others ask it to, and leaves."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from rtseg.backends.tensorrt import cuda
from rtseg.closing import Closing
from rtseg.errors import BackendUnavailable

T = TypeVar("T")
_Job = Callable[[], None]
_CLOSED = "the TensorRT backend is closed; open it again to go on"
_PATIENCE_S = 10.0  # with a GPU that does not answer, at the end


class GpuThread(Closing):
    """Takes calls from any thread, one after the other; closed by any thread but its own."""

    def __init__(self, driver: cuda.Driver, gpu_index: int, at_end: Callable[[], None]) -> None:
        """at_end is called by the thread last of all, with the context still current.

        Raises BackendUnavailable where the GPU gives no context.
        """
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=_work, args=(driver, gpu_index, self._jobs, opened, at_end), name="rtseg-gpu", daemon=True
        )
        self._thread.start()
        # Also when it was forgotten, and at the end of the process: one that ends with a context aborts it.
        self._end = weakref.finalize(self, _end, self._jobs, self._thread)
        opened.result()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have the thread do it, after what it was asked for before.

        Raises BackendUnavailable once it is closed.
        """
        if not self._end.alive:
            raise BackendUnavailable(_CLOSED)
        done: Future[T] = Future()

        def job() -> None:
            try:
                with cuda.freeing_frames():
                    result = work()
            except BaseException as error:  # whoever waits for it raises it
                done.set_exception(error)
            else:
                done.set_result(result)

        if threading.current_thread() is self._thread:
            job()
            return done
        self._jobs.put(job)
        if not self._end.alive:  # closed meanwhile: it was done before that, or never will be
            self._thread.join(_PATIENCE_S)
            if not done.done():
                done.set_exception(BackendUnavailable(_CLOSED))
        return done

    def close(self) -> None:
        """Do what was asked for before, then free all and end; harmless when done twice."""
        self._end()


def _work(
    driver: cuda.Driver,
    gpu_index: int,
    jobs: queue.SimpleQueue[_Job | None],
    opened: Future[None],
    at_end: Callable[[], None],
) -> None:
    try:
        with cuda.context(driver, gpu_index):
            opened.set_result(None)
            try:
                while (job := jobs.get()) is not None:
                    job()
                    del job  # nothing of what it holds waits for the next
            finally:
                at_end()
    except BaseException as error:
        if opened.done():
            raise
        opened.set_exception(error)  # whoever waits for it raises it


def _end(jobs: queue.SimpleQueue[_Job | None], thread: threading.Thread) -> None:
    jobs.put(None)
    if threading.current_thread() is not thread:
        thread.join(_PATIENCE_S)
