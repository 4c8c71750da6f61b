"""Where blended frames go at the end of the loop: the viewer's slot first, then the sinks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from rtseg.errors import SinkError
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.shown import Shown
from rtseg.video.sinks import Sink

_LOG = logging.getLogger(__name__)


class Outputs:
    """Used by the overlay thread alone."""

    def __init__(self, sinks: Sequence[Sink], view: LatestSlot[Shown] | None) -> None:
        self._sinks = list(sinks)
        self._view = view
        self._failed: SinkError | None = None

    def write(self, shown: Shown, handed_over: Callable[[], None]) -> None:
        """Show it, then write it; `handed_over` is called in between, for encoding takes its time.

        Raises SinkError when a sink fails and nobody watches. Whoever does goes on watching: the sink is
        finished with what it has, a line says so, and the error is raised at the end.
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

    def _give_up(self, sink: Sink, error: SinkError) -> None:
        self._sinks.remove(sink)
        self._failed = self._failed or error
        _LOG.warning("%s; the window goes on without it", error)
        try:
            sink.close()
        except SinkError as unfinished:
            _LOG.warning("%s", unfinished)

    def close(self) -> None:
        """Finish every sink. Raises the first error that any of them had."""
        with ExitStack() as stack:  # one that cannot be finished keeps no other from it
            for sink in self._sinks:
                stack.callback(sink.close)
        if self._failed is not None:
            raise self._failed
