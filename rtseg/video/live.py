"""Sources that come and go: playing, lost, tried again until they are back."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.video.source import PLAYING, BaseSource

_LOG = logging.getLogger(__name__)


class Ended(Exception):
    """There is nothing more to come, and nothing is wrong."""


@dataclass(frozen=True)
class Backoff:
    """How long to wait before another try: twice as long after each failure, less or more by chance.

    The chance keeps many viewers from coming back to a restarted server all at once.
    """

    first_s: float = 0.5
    longest_s: float = 15.0
    jitter: float = 0.2
    """Which part of the wait is up to chance, either way."""
    good_after_s: float = 5.0
    """A connection that lasted so long was none of the failures."""

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, counted from 1; never more than longest_s."""
        wait_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return min(self.longest_s, wait_s * random.uniform(1 - self.jitter, 1 + self.jitter))


class LiveSource(BaseSource):
    """The loop that cameras and streams share; those that derive from it say how to connect and to receive.

    The first connection is made when the source is made, and fails as an error of the user; a later one is
    tried until `stop`. While there is none no frame is given, and `index` jumps over about as many as were
    missed.
    """

    live = True

    def __init__(self, name: str, backoff: Backoff | None = None) -> None:
        super().__init__(name)
        self.state = "connecting"
        self._backoff = backoff or Backoff()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._told: dict[str, int] = {}
        self._measured_rate = 0.0
        self._connected = True  # when whoever derives from this has been made

    def _connect(self) -> None:
        """Make a connection. Raises SourceError, or Ended."""
        raise NotImplementedError

    def _receive(self) -> Iterator[Frame]:
        """The frames of a connection, their indices counted from its first. Raises SourceError, or Ended."""
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Let go of a connection, if there is one."""
        raise NotImplementedError

    def frames(self) -> Iterator[Frame]:
        """Frames until `stop`, over as many connections as it takes."""
        failures = 0
        next_index = 0
        seen_at: float | None = None
        while not self._stopping.is_set():
            began = time.monotonic()
            first_index: int | None = None
            since_s: float | None = None
            try:
                if not self._connected:
                    self.state = "connecting"
                    self._connect()
                for frame in self._receive():
                    if first_index is None:
                        first_index = next_index + (0 if seen_at is None else self._back_after(seen_at))
                    seen_at = time.monotonic()
                    if since_s is None:
                        since_s = seen_at
                    elif seen_at > since_s:
                        self._measured_rate = frame.index / (seen_at - since_s)
                    next_index = first_index + frame.index + 1
                    self.state = PLAYING
                    yield replace(frame, index=next_index - 1)
                reason = "ended by the other side"
            except SourceError as error:
                # What to check is for the first time; from then on it is known to work.
                reason = str(error).removeprefix(f"{self.name}: ").partition("; ")[0]
            except Ended:
                break
            finally:
                self._disconnect()
                self._connected = False
            failures = 1 if time.monotonic() - began >= self._backoff.good_after_s else failures + 1
            self._wait(reason, self._backoff.wait_s(failures))
        self.state = "ended"

    def _back_after(self, seen_at: float) -> int:
        """Frames are coming again; about how many were missed since the last one, at least one."""
        away_s = time.monotonic() - seen_at
        self.reconnects += 1
        _LOG.warning("%s: playing again after %.1f s", self.name, away_s)
        self._note("lost", "was lost and came back", self.reconnects)
        return max(1, round(away_s * float(self.rate or self._measured_rate or 30)))

    def _wait(self, reason: str, wait_s: float) -> None:
        """Until the next try, or until somebody stops us; `state` counts down."""
        until = time.monotonic() + wait_s
        self._hurry.clear()
        if not self._stopping.is_set():
            _LOG.warning("%s: reconnecting in %.1f s: %s", self.name, wait_s, reason)
        while not self._stopping.is_set() and (left_s := until - time.monotonic()) > 0:
            self.state = f"reconnecting in {math.ceil(left_s)} s: {reason}"
            if self._hurry.wait(left_s % 1 or 1):
                return

    def tell(self, kind: str, what: str, times: int = 1) -> None:
        """Note it in `troubles` with how often it happened, and log it the first time."""
        if kind not in self._told:
            _LOG.warning("%s %s", self.name, what)
        self._note(kind, what, times)

    def _note(self, kind: str, what: str, times: int) -> None:
        """A line for each kind of trouble: however long a stream plays, there are no more."""
        line = f"{self.name} {what}" + (f", {times} times" if times > 1 else "")
        if kind in self._told:
            self.troubles[self._told[kind]] = line
        else:
            self._told[kind] = len(self.troubles)
            self.troubles.append(line)

    def stop(self) -> None:
        """Frames end soon, a wait for them at once. From any thread."""
        self._stopping.set()
        self._hurry.set()

    def connect_now(self) -> None:
        """Wait no longer for the next try, if that is waited for. From any thread."""
        self._hurry.set()

    def close(self) -> None:
        """Give up the connection, within the time-out of a read that is under way."""
        self.stop()
        self._disconnect()
