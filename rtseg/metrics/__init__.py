"""How well a class map fits the truth: here the confusion matrix and what is read off it.

Beside it: boundary (boundary IoU), calibration (whether confidences are honest), temporal (whether
neighbouring frames of a video agree).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtseg.frame import UInt8Array

Confusion = NDArray[np.int64]
"""(C, C): pixels of true class (row) that were called a class (column)."""


def confusion_matrix(truth: UInt8Array, prediction: UInt8Array, classes: int) -> Confusion:
    """Count the pixels of two class maps (H, W); those whose truth is IGNORE or merged count nowhere."""
    counted = truth < classes
    pairs = truth[counted].astype(np.int64) * classes + prediction[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def iou_per_class(confusion: Confusion) -> NDArray[np.float64]:
    """(C,) intersection over union; NaN for a class that neither truth nor prediction has."""
    hits = np.diag(confusion)
    return _shares(hits, confusion.sum(axis=0) + confusion.sum(axis=1) - hits)


def mean_iou(confusion: Confusion, *, background: bool = False) -> float:
    """Mean over the classes that occur; class 0, the background, is left out unless asked for."""
    ious = iou_per_class(confusion)[0 if background else 1 :]
    present = ious[~np.isnan(ious)]
    return float(present.mean()) if present.size else float("nan")


def pixel_accuracy(confusion: Confusion) -> float:
    """Share of counted pixels whose class is right."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")


def recall_per_class(confusion: Confusion) -> NDArray[np.float64]:
    """(C,) share of a class's true pixels that were found; NaN where it has none."""
    return _shares(np.diag(confusion), confusion.sum(axis=1))


def precision_per_class(confusion: Confusion) -> NDArray[np.float64]:
    """(C,) share of the pixels called a class that are of it; NaN where none was called so."""
    return _shares(np.diag(confusion), confusion.sum(axis=0))


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
