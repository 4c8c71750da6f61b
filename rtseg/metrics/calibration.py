"""Calibration: whether of the pixels called with 80 % confidence, 80 % are right.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv:1706.04599): confidences fall into 15
bins of equal width; the expected calibration error is the mean of |accuracy - confidence| over the bins,
weighted by their pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtseg.frame import UInt8Array

BINS = 15

CalibrationCounts = NDArray[np.float64]
"""(3, BINS): of each bin the pixels, the sum of their confidences, and how many of them are right."""


class Bin(NamedTuple):
    """A point of the reliability curve; share is that of all counted pixels."""

    confidence: float
    accuracy: float
    share: float


def calibration_counts(
    truth: UInt8Array, prediction: UInt8Array, confidence: NDArray[np.float32], classes: int
) -> CalibrationCounts:
    """Count the pixels of two class maps (H, W) by the confidence (H, W), 0 to 1, of the class called.

    Those whose truth is IGNORE or merged count nowhere.
    """
    counted = truth < classes
    confident = confidence[counted]
    right = truth[counted] == prediction[counted]
    # Bin m holds (m / BINS, (m + 1) / BINS]; a confidence that rounding took past 1 stays in the last.
    bins = np.clip(np.ceil(confident * np.float32(BINS)).astype(np.int64) - 1, 0, BINS - 1)
    return np.stack(
        [
            np.bincount(bins, minlength=BINS).astype(np.float64),
            np.bincount(bins, confident, minlength=BINS),
            np.bincount(bins[right], minlength=BINS).astype(np.float64),
        ]
    )


def reliability(counts: CalibrationCounts) -> list[Bin]:
    """The bins that hold pixels, from the least confident to the most."""
    total = counts[0].sum()
    return [
        Bin(float(confidence / pixels), float(right / pixels), float(pixels / total))
        for pixels, confidence, right in counts.T
        if pixels
    ]


def expected_calibration_error(counts: CalibrationCounts) -> float:
    """0 is perfect, 1 the worst; NaN where nothing was counted."""
    bins = reliability(counts)
    if not bins:
        return float("nan")
    return sum(abs(each.accuracy - each.confidence) * each.share for each in bins)
