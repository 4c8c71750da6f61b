"""The rungs of `--adaptive`: made ready beside a running pipeline, and switched without a stall."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rtseg.closing import Closing
from rtseg.errors import RtsegError
from rtseg.frame import Frame, Size
from rtseg.runtime.adaptive import Controller, Step
from rtseg.segmenter import PendingSegmentation, Segmenter

_LOG = logging.getLogger(__name__)
_SHARES = (1.0, 0.75, 0.5)
_TRIALS = 3
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Rung:
    """A network, and the part of its card's area that it sees."""

    segmenter: Segmenter
    share: float

    def name(self, pictures: Sequence[Size]) -> str:
        """With the input size of the first of a frame's pictures."""
        width, height = self.segmenter.input_size(pictures[0], self.share)
        return f"{self.segmenter.name} {width}x{height}"


def rungs(segmenter: Segmenter, smaller: Segmenter | None = None) -> tuple[Rung, ...]:
    """The segmenter at its own input and at smaller ones, then the smaller network, if there is one."""
    lower = () if smaller is None else (Rung(smaller, _SHARES[0]), Rung(smaller, _SHARES[-1]))
    return (*(Rung(segmenter, share) for share in _SHARES), *lower)


class Ladder(Closing):
    """Segments each frame on the rung of the moment.

    The first rung is made ready by the inference thread when its first frame comes, as without a ladder; the
    others by a thread of their own. Until they are, nobody steps onto them.
    """

    def __init__(self, rungs: Sequence[Rung], budget_ms: float, *, owned: Sequence[Segmenter] = ()) -> None:
        """All rungs know the same classes. Segmenters that it does not own stay the caller's to close."""
        self._rungs = tuple(rungs)
        self._owned = tuple(owned)
        self._controller = Controller(budget_ms)
        self._rung = 0
        self._pictures: tuple[Size, ...] = ()
        self._costs_ms: list[float | None] = [None] * len(self._rungs)
        self._closing = threading.Event()
        self._preparing: threading.Thread | None = None
        self._started_s = time.monotonic()
        self.steps: list[Step] = []
        self._frames: Counter[str] = Counter()

    @property
    def current(self) -> str:
        """The rung of the moment, for people. From any thread."""
        return self._rungs[self._rung].name(self._pictures) if self._pictures else ""

    def submit(self, frame: Frame) -> PendingSegmentation:
        """Begin with a frame. Inference thread."""
        number = self._rung
        rung = self._rungs[number]
        pictures = frame.pictures
        if pictures != self._pictures and not self._busy():
            self._pictures = pictures
            # What was ready was so for another size.
            self._costs_ms = [None] * len(self._rungs)
            rung.segmenter.prepare(pictures, rung.share)
            self._preparing = threading.Thread(
                target=self._prepare, args=(pictures, number), name="rtseg-prepare", daemon=True
            )
            self._preparing.start()
        self._frames[rung.name(pictures)] += 1
        return rung.segmenter.submit(frame, rung.share)

    def done(self, inference_ns: int) -> None:
        """An inference took so long. Inference thread."""
        number = self._rung
        known_ms, spent_ms = self._costs_ms[number], inference_ns / 1e6
        # Follows a board that throttles within a second, and no single slow frame.
        self._costs_ms[number] = spent_ms if known_ms is None else 0.9 * known_ms + 0.1 * spent_ms

    def observe(self, age_ns: int) -> None:
        """A frame was so old when it was shown, or too old to be. Overlay thread."""
        step = self._controller.observe(time.monotonic(), age_ns / 1e6, list(self._costs_ms))
        if step is None or not self._pictures:
            return
        self._rung = step.after
        self.steps.append(step)
        before, after = (self._rungs[number].name(self._pictures) for number in (step.before, step.after))
        _LOG.warning("Adaptive: from %s to %s, for the %s", before, after, step.reason)

    def summary(self) -> dict[str, Any]:
        """For `--stats`."""
        names = [rung.name(self._pictures) for rung in self._rungs] if self._pictures else []
        steps = [
            {
                "at_s": round(step.at_s - self._started_s, 2),
                "from": names[step.before],
                "to": names[step.after],
                "reason": step.reason,
            }
            for step in self.steps
        ]
        return {"budget_ms": self._controller.budget_ms, "steps": steps, "frames": dict(self._frames)}

    def _busy(self) -> bool:
        return self._preparing is not None and self._preparing.is_alive()

    def _prepare(self, pictures: tuple[Size, ...], in_use: int) -> None:
        """Make the other rungs ready, and see what they cost."""
        for number, rung in enumerate(self._rungs):
            if number == in_use or self._closing.is_set():
                continue
            try:
                rung.segmenter.prepare(pictures, rung.share)
                self._costs_ms[number] = _cost_ms(rung, pictures)
            except RtsegError as error:
                _LOG.warning("Adaptive: %s is left out, %s", rung.name(pictures), error)

    def close(self) -> None:
        """Wait for what is being made ready; the segmenters may be closed then. Once more does nothing."""
        self._closing.set()
        if self._preparing is not None:
            self._preparing.join(_PATIENCE_S)
        owned, self._owned = self._owned, ()
        for segmenter in owned:
            segmenter.close()


def _cost_ms(rung: Rung, pictures: tuple[Size, ...]) -> float:
    """The quickest of a few inferences of all pictures, the first of which also takes the memory it needs."""
    backend, batches = rung.segmenter.backend, rung.segmenter.blank(pictures, rung.share)
    trials = [sum(backend.submit(batch).result().spent_ns for batch in batches) for _ in range(_TRIALS)]
    return min(trials) / 1e6
