"""Keeping the age of what is shown within a budget: down to a cheaper rung when it is over, and up again.

A rung is a network with an input size. `Controller` decides and knows nothing but numbers; the rungs are made
ready and switched by `rtseg.runtime.ladder`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

_WINDOW_S = 2.0  # of the ages that are looked at
_FEWEST = 6  # ages that are looked at, where a few frames a second are all there is
_SETTLE_S = 1.0  # after a step, for frames of the rung before it to be gone
_ROOM = 0.8  # of the budget may be taken by what a step up is expected to cost
_UP_AFTER_S = 5.0
_UP_AFTER_MOST_S = 80.0


@dataclass(frozen=True)
class Step:
    """A change of rung."""

    at_s: float
    before: int
    after: int
    reason: str


class Controller:
    """Rung 0 is the best and dearest. Called by one thread, with times that never go back."""

    def __init__(self, budget_ms: float) -> None:
        self.budget_ms = budget_ms
        self.rung = 0
        self._ages: deque[tuple[float, float]] = deque()
        self._settled_at = -math.inf
        self._room_since: float | None = None
        self._up_after_s = _UP_AFTER_S
        self._went_up_at = -math.inf

    def observe(self, now_s: float, age_ms: float, costs_ms: list[float | None]) -> Step | None:
        """Another age; -> the step to take, if one. costs_ms are the inference times of all rungs.

        One that is None is not ready, and none is stepped onto.
        """
        if now_s < self._settled_at:
            return None
        self._ages.append((now_s, age_ms))
        while len(self._ages) > _FEWEST and self._ages[0][0] < now_s - _WINDOW_S:
            self._ages.popleft()
        if len(self._ages) < _FEWEST:
            return None
        p95_ms = float(np.percentile([age for _, age in self._ages], 95))
        if p95_ms > self.budget_ms:
            return self._down(now_s, p95_ms, costs_ms)
        return self._up(now_s, p95_ms, costs_ms)

    def _down(self, now_s: float, p95_ms: float, costs_ms: list[float | None]) -> Step | None:
        self._room_since = None
        lower = next((n for n in range(self.rung + 1, len(costs_ms)) if costs_ms[n] is not None), None)
        if lower is None:
            return None
        # A step up that did not last is not tried again so soon.
        lasted = now_s - self._went_up_at > self._up_after_s
        self._up_after_s = _UP_AFTER_S if lasted else min(_UP_AFTER_MOST_S, 2 * self._up_after_s)
        return self._go(now_s, lower, f"p95 of the age is {p95_ms:.0f} ms, over {self.budget_ms:.0f}")

    def _up(self, now_s: float, p95_ms: float, costs_ms: list[float | None]) -> Step | None:
        higher = next((n for n in range(self.rung - 1, -1, -1) if costs_ms[n] is not None), None)
        if higher is None:
            return None
        more_ms = (costs_ms[higher] or 0.0) - (costs_ms[self.rung] or 0.0)
        if p95_ms + max(0.0, more_ms) > _ROOM * self.budget_ms:
            self._room_since = None
            return None
        if self._room_since is None:
            self._room_since = now_s
        if now_s - self._room_since < self._up_after_s:
            return None
        self._went_up_at = now_s
        return self._go(now_s, higher, f"p95 of the age is {p95_ms:.0f} ms of {self.budget_ms:.0f}")

    def _go(self, now_s: float, rung: int, reason: str) -> Step:
        step = Step(now_s, self.rung, rung, reason)
        self.rung = rung
        self._ages.clear()
        self._room_since = None
        self._settled_at = now_s + _SETTLE_S
        return step
