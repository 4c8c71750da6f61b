"""Where blended frames go at the end of the loop: the viewer's slot first, then the sinks."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress

from rtseg.errors import SinkError
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.shown import Shown
from rtseg.video.sinks import Sink

_LOG = logging.getLogger(__name__)
_Finished = Future[None]


class Outputs:
    """Used by the overlay thread alone, but for `add` and `remove`, which any thread may call.

    Those two only leave a request, which the overlay thread meets with `tend`; only it writes and closes.
    """

    def __init__(self, sinks: Sequence[Sink], view: LatestSlot[Shown] | None) -> None:
        self._sinks = list(sinks)
        self._added: list[tuple[Sink, _Finished]] = []
        self._asked: deque[tuple[Sink, _Finished | None]] = deque()
        self._ended = False
        self._view = view
        self._failed: SinkError | None = None

    def add(self, sink: Sink) -> Future[None]:
        """Write to this one too, until it is removed or all ends. From any thread.

        The future is done when the sink is finished. Whatever goes wrong with the sink is its exception: that
        finishes the sink and nothing else. Its callbacks run in the overlay thread.
        """
        finished: _Finished = Future()
        finished.set_running_or_notify_cancel()  # a sink is not cancelled, it is removed
        self._ask(sink, finished)
        return finished

    def remove(self, sink: Sink) -> None:
        """Finish this one, whether it was added or there from the start. From any thread."""
        self._ask(sink, None)

    def _ask(self, sink: Sink, finished: _Finished | None) -> None:
        self._asked.append((sink, finished))
        if self._ended:  # nobody else will: each request is taken once, whoever comes first
            self._refuse()

    def _refuse(self) -> None:
        for sink, finished in self._requests():
            if finished is not None:
                _finish(sink, finished, SinkError("nothing comes any more that could be written"))

    def _requests(self) -> list[tuple[Sink, _Finished | None]]:
        taken = []
        with suppress(IndexError):
            while True:
                taken.append(self._asked.popleft())
        return taken

    def tend(self) -> None:
        """Begin with the sinks that were added, finish those that were removed; every now and then."""
        for sink, finished in self._requests():
            if finished is not None:
                self._added.append((sink, finished))
                continue
            for added in [each for each in self._added if each[0] is sink]:
                self._added.remove(added)
                _finish(*added)
            if any(each is sink for each in self._sinks):
                self._sinks = [each for each in self._sinks if each is not sink]
                self._close(sink)

    def write(self, shown: Shown, handed_over: Callable[[], None]) -> None:
        """Show it, then write it; `handed_over` is called in between, for encoding takes its time.

        Raises SinkError when a sink of the start fails and nobody watches. Whoever does goes on watching: the
        sink is finished with what it has, a line says so, and the error is raised at the end.
        """
        if self._view is not None:
            self._view.put(shown)
        handed_over()
        for sink in tuple(self._sinks):
            try:
                sink.write(shown.segmentation, shown.blended)
            except SinkError as error:
                if self._view is None:
                    raise
                self._give_up(sink, error)
        for added in tuple(self._added):
            try:
                added[0].write(shown.segmentation, shown.blended)
            except Exception as error:  # reaches who added it, and nothing else shall end for its sake
                self._added.remove(added)
                _finish(*added, error)

    def _give_up(self, sink: Sink, error: SinkError) -> None:
        self._sinks.remove(sink)
        self._failed = self._failed or error
        _LOG.warning("%s; the window goes on without it", error)
        self._close(sink)

    def _close(self, sink: Sink) -> None:
        """Before the end; an error is raised at the end."""
        try:
            sink.close()
        except SinkError as error:
            self._failed = self._failed or error
            _LOG.warning("%s", error)

    def close(self) -> None:
        """Finish every sink. Raises the first error that any of those of the start had."""
        self.tend()
        self._ended = True
        self._refuse()
        with ExitStack() as stack:  # one that cannot be finished keeps no other from it
            for sink in self._sinks:
                stack.callback(sink.close)
            for added in self._added:
                stack.callback(_finish, *added)
        if self._failed is not None:
            raise self._failed


def _finish(sink: Sink, finished: _Finished, error: Exception | None = None) -> None:
    """Close an added sink and say how it ended."""
    try:
        sink.close()
    except Exception as unfinished:
        error = error or unfinished
    if error is None:
        finished.set_result(None)
    else:
        finished.set_exception(error)
