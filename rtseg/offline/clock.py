"""Times of a stream that run on: where they fall back, what follows is moved behind what came before."""

from __future__ import annotations

from typing import Any

import av

_OUT_OF_ORDER_S = 2  # times that are less behind are a fault of one packet, and not a new beginning


class Clock:
    """Of one stream, fed with its packets in order."""

    def __init__(self) -> None:
        self.jumps = 0
        """How often the times have begun anew."""
        self._offset = 0
        self._last: int | None = None
        self._step = 1

    def begin_anew(self) -> None:
        """What follows is of another file: it comes behind, but a jump in it is nobody's fault."""
        self._offset = 0

    def correct(self, packet: av.Packet[Any]) -> None:
        """Move a packet's times behind those of the packet before it, in place, if they are not."""
        if packet.dts is None:
            if packet.pts is not None and self._offset:
                packet.pts += self._offset
            return
        dts, last = packet.dts + self._offset, self._last
        if last is not None and (last - dts) * packet.time_base > _OUT_OF_ORDER_S:
            self.jumps += 1
            self._offset += last + self._step - dts
            dts = last + self._step
        if packet.pts is not None and self._offset:
            packet.pts += self._offset
        if last is not None and dts <= last:
            dts = last + 1
            packet.pts = None if packet.pts is None else max(packet.pts, dts)
        elif last is not None:
            self._step = packet.duration or dts - last
        if dts != packet.dts:
            packet.dts = dts
        self._last = dts
