"""One stage of the loop in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rtseg.runtime.channel import Channel, ChannelClosed


class Worker(threading.Thread):
    """Runs `work` once; however it ends, both neighbours' channels are closed, so that nobody waits for it.

    `error` is the exception that ended it, None after an ordinary end or when a neighbour's error did. At the
    very end the thread calls `ended`.
    """

    def __init__(
        self, name: str, work: Callable[[], None], channels: Sequence[Channel[Any]], ended: Callable[[], None]
    ) -> None:
        super().__init__(name=f"rtseg-{name}", daemon=True)
        self._work = work
        self._channels = channels
        self._ended = ended
        self.error: BaseException | None = None

    def run(self) -> None:
        """Called by the thread itself."""
        passed_on: BaseException | None = None
        try:
            self._work()
        except ChannelClosed as closed:
            passed_on = closed.__cause__
        except BaseException as error:  # whatever it is, the main thread shall raise it
            self.error = passed_on = error
        finally:
            for channel in self._channels:
                channel.close(passed_on)
            self._ended()
            # What they belong to holds this thread: it goes at once, and not when rings are looked for.
            del self._work, self._channels, self._ended
