"""Makes what a window shows in a thread of its own, so that the window's thread has but an image to draw."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rtseg.frame import UInt8Array
from rtseg.labels import Rgb
from rtseg.runtime.channel import ChannelClosed, LatestSlot
from rtseg.runtime.compose import Composer
from rtseg.runtime.shown import Shown
from rtseg.runtime.view import View

_POLL_S = 0.008  # half a frame's time at 60 Hz: as long as a change of the view may wait
_IDLE_S = 0.05
_JOIN_S = 2.0


@dataclass(frozen=True, eq=False)
class Rendered:
    """canvas (height, width, 4) uint8 BGRX: this frame as this view has it."""

    canvas: UInt8Array
    shown: Shown
    view: View


class Renderer:
    """Takes the newest frame of a loop, and gives the newest canvas through `output`.

    A view that changes is shown at once, also of a picture that stays. Made, told and closed by the window's
    thread.
    """

    def __init__(self, background: Rgb) -> None:
        self.output: LatestSlot[Rendered] = LatestSlot()
        self.dropped = 0
        """Frames that were made into a canvas that nobody took."""
        self.error: Exception | None = None
        """What ended it, which is a mistake of ours."""
        self._composer = Composer(background)
        self._input: LatestSlot[Shown] | None = None
        self._view: View | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtseg-render", daemon=True)
        self._thread.start()

    def watch(self, input: LatestSlot[Shown] | None) -> None:
        """Take frames from another loop from now on; None for none."""
        self._input = input

    def set_view(self, view: View) -> None:
        """Show frames like this from now on."""
        self._view = view

    def _run(self) -> None:
        shown: Shown | None = None
        done: View | None = None
        try:
            while not self._closing.is_set():
                newer = self._next()
                shown = newer or shown
                view = self._view
                if shown is None or view is None or (newer is None and view == done):
                    continue
                done = view
                before = self.output.dropped
                self.output.put(Rendered(self._composer.compose(shown, view), shown, view))
                # One that is painted again in another view is no frame that was lost.
                if newer is not None:
                    self.dropped += self.output.dropped - before
        except ChannelClosed:
            return
        except Exception as error:
            self.error = error
            self.output.close(error)

    def _next(self) -> Shown | None:
        """The newest frame, waited for as long as a change of the view may wait."""
        if self._input is None:
            self._closing.wait(_IDLE_S)
            return None
        try:
            return self._input.get(timeout=_POLL_S)
        except TimeoutError:
            return None
        except ChannelClosed:
            time.sleep(_POLL_S)
            return None

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self.output.close()
        self._thread.join(_JOIN_S)
