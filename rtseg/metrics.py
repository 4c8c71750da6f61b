"""Confusion matrix and what is read off it: IoU per class, mean IoU, pixel accuracy."""

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
    hits = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    ious: NDArray[np.float64] = np.full_like(hits, np.nan)
    np.divide(hits, union, out=ious, where=union > 0)
    return ious


def mean_iou(confusion: Confusion, *, background: bool = False) -> float:
    """Mean over the classes that occur; class 0, the background, is left out unless asked for."""
    ious = iou_per_class(confusion)[0 if background else 1 :]
    present = ious[~np.isnan(ious)]
    return float(present.mean()) if present.size else float("nan")


def pixel_accuracy(confusion: Confusion) -> float:
    """Share of counted pixels whose class is right."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")
