"""Resizing as weights: for each output coordinate the first source coordinate, and what each weighs.

All that rtseg.preprocess does to a plane, halving by halving, is linear and the same for every row and every
column, so it is one table along each side, and the GPU reads each source pixel once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Size


@dataclass(frozen=True, eq=False)
class Axis:
    """One side: first (n,) int32 and weights (n, taps) float32 of n output coordinates.

    first + taps never goes past `length`, the number of source coordinates.
    """

    first: NDArray[np.int32]
    weights: NDArray[np.float32]
    length: int

    @property
    def taps(self) -> int:
        """How many source coordinates make one of the output."""
        return int(self.weights.shape[1])


@dataclass(frozen=True, eq=False)
class _Wide:
    """As Axis, in float64 and with taps that may lie outside; those weigh nothing."""

    first: NDArray[np.int64]
    weights: NDArray[np.float64]


def resizing(source: Size, size: Size) -> tuple[Axis, Axis]:
    """Across and down, from source (width, height) to size, as rtseg.preprocess.network_input resizes."""
    across, down = _nothing(source[0]), _nothing(source[1])
    width, height = source
    while not _is_multiple((width, height), size) and width >= 2 * size[0] and height >= 2 * size[1]:
        half = (width // 2, height // 2)
        across, down = _after(_averages(width, half[0]), across), _after(_averages(height, half[1]), down)
        width, height = half
    step = _averages if _is_multiple((width, height), size) else _between
    across, down = _after(step(width, size[0]), across), _after(step(height, size[1]), down)
    return _narrow(across, source[0]), _narrow(down, source[1])


def upsampling(length: int, count: int) -> Axis:
    """Two taps each, with half-pixel centres: from `length` coordinates to `count`.

    The second may lie one past the end, and weighs nothing there.
    """
    wide = _between(length, count)
    return Axis(wide.first.astype(np.int32), wide.weights.astype(np.float32), length)


def _is_multiple(source: Size, size: Size) -> bool:
    return source[0] % size[0] == 0 and source[1] % size[1] == 0


def _nothing(length: int) -> _Wide:
    return _Wide(np.arange(length), np.ones((length, 1)))


def _averages(length: int, count: int) -> _Wide:
    """Each output coordinate is the average of what it covers (INTER_AREA)."""
    edges = np.arange(count + 1) * (length / count)
    first = np.floor(edges[:-1]).astype(np.int64)
    taps = int(np.ceil(length / count)) + 1
    starts = first[:, None] + np.arange(taps)
    covered = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    covered = np.where(starts < length, np.clip(covered, 0, None), 0)
    covered[covered < 1e-9] = 0  # what the edges' own rounding leaves
    return _Wide(first, covered / covered.sum(axis=1, keepdims=True))


def _between(length: int, count: int) -> _Wide:
    """Each output coordinate lies between two centres (INTER_LINEAR); the edge is repeated."""
    centers = (np.arange(count) + 0.5) * (length / count) - 0.5
    centers = np.clip(centers, 0, length - 1)
    first = np.floor(centers).astype(np.int64)
    share = centers - first
    return _Wide(first, np.stack([1 - share, share], axis=1))


def _after(later: _Wide, earlier: _Wide) -> _Wide:
    """Both steps as one."""
    last = len(earlier.first) - 1
    sources = [np.minimum(later.first + tap, last) for tap in range(later.weights.shape[1])]
    first = earlier.first[sources[0]]
    taps = int((earlier.first[sources[-1]] - first).max()) + earlier.weights.shape[1]
    weights = np.zeros((len(first), taps))
    rows = np.arange(len(first))
    for tap, source in enumerate(sources):
        for inner in range(earlier.weights.shape[1]):
            share = later.weights[:, tap] * earlier.weights[source, inner]
            np.add.at(weights, (rows, earlier.first[source] - first + inner), share)
    return _Wide(first, weights)


def _narrow(wide: _Wide, length: int) -> Axis:
    """Without the taps that weigh nothing anywhere, and with all of them inside."""
    used = np.flatnonzero(wide.weights.any(axis=0))
    taps = min(int(used[-1]) + 1, length)
    first = np.minimum(wide.first, length - taps)
    weights = np.zeros((len(first), taps))
    for tap in range(int(used[-1]) + 1):
        place = np.minimum(wide.first + tap - first, taps - 1)  # only what weighs nothing lies further
        np.add.at(weights, (np.arange(len(first)), place), wide.weights[:, tap])
    return Axis(first.astype(np.int32), weights.astype(np.float32), length)
