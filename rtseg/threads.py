"""Who gets how many threads: decoder, network and encoder share the processors, and it is settled here.

Offline all three are always at work, so what counts is the CPU time of a frame, not how soon it is done. The
network gets half of the processors, since two threads on the two halves of one core take about twice the CPU
time of one for the same result. Decoder and encoder get as many threads as there are processors: that costs
a little more CPU time than one thread each, and lets whichever is behind take what others leave.

Live a frame is late by what it waits for, so the network gets all processors, and the decoder of a stream
never a thread a frame, for that holds back as many frames as there are threads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Mode = Literal["live", "offline"]


@dataclass(frozen=True)
class Share:
    """Threads of each; None leaves the number to the library, which then takes all processors."""

    network: int | None
    decoder: int
    encoder: int


def processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def share(mode: Mode) -> Share:
    """What each may take on this machine."""
    count = processors()
    return Share(network=None if mode == "live" else max(1, count // 2), decoder=count, encoder=count)
