"""The figures of the last minute, and how high an axis for them is. Knows no Qt."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPAN_S: Final = 60.0
_CAPACITY: Final = 300  # four readings a second, and some more often
_STEPS: Final = tuple(factor * 10.0**power for power in range(7) for factor in (1, 2, 5))
_ROOM: Final = 1.1


class Rolling:
    """Samples of several series over the last minute. Used by one thread."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._at_s = np.empty(_CAPACITY)
        self._values = np.empty((len(names), _CAPACITY))
        self._count = 0
        self._top = _STEPS[0]

    def add(self, values: Mapping[str, float | None], at_s: float | None = None) -> None:
        """A sample of each series, at `time.monotonic()` unless said; None leaves a gap."""
        now_s = time.monotonic() if at_s is None else at_s
        old = int(np.searchsorted(self._at_s[: self._count], now_s - SPAN_S))
        if old == 0 and self._count == _CAPACITY:
            old = 1
        if old:
            kept = self._count - old
            self._at_s[:kept] = self._at_s[old : self._count]
            self._values[:, :kept] = self._values[:, old : self._count]
            self._count = kept
        self._at_s[self._count] = now_s
        for row, name in enumerate(self.names):
            value = values.get(name)
            self._values[row, self._count] = np.nan if value is None else value
        self._count += 1

    def clear(self) -> None:
        """No samples."""
        self._count = 0
        self._top = _STEPS[0]

    @property
    def ages_s(self) -> NDArray[np.float64]:
        """(n,) seconds before the last sample, from -60 to 0."""
        at_s = self._at_s[: self._count]
        return at_s - at_s[-1] if self._count else at_s

    def series(self, name: str) -> NDArray[np.float64]:
        """(n,) samples; NaN where there was none."""
        return self._values[self.names.index(name), : self._count]

    def last(self, name: str) -> float | None:
        """The newest sample."""
        value = self.series(name)[-1:]
        return float(value[0]) if value.size and np.isfinite(value[0]) else None

    def top(self) -> float:
        """Where an axis from 0 ends: 1, 2 or 5 times a power of ten with some room above what is there.

        It grows at once, and goes back only when two steps lower would do, so that it does not flicker.
        """
        values = self._values[:, : self._count]
        finite = values[np.isfinite(values)]
        wanted = _step_above(_ROOM * float(finite.max())) if finite.size else _STEPS[0]
        if wanted > self._top or _STEPS.index(wanted) + 1 < _STEPS.index(self._top):
            self._top = wanted
        return self._top


def _step_above(value: float) -> float:
    return next((step for step in _STEPS if step >= value), _STEPS[-1])
