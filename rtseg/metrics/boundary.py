"""Boundary IoU: how well the outlines fit, which the IoU of large regions says little about.

Cheng et al., Boundary IoU, CVPR 2021 (arXiv:2103.16562): the IoU of two bands, each the pixels of a mask
that lie within d of its contour. d is 2 % of the picture's diagonal, and the picture's border is a contour,
as in the authors' code.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Size, UInt8Array

BAND_SHARE = 0.02

BoundaryCounts = NDArray[np.int64]
"""(2, C): pixels in both bands of a class, and in either."""


def band_width(size: Size) -> int:
    """How many pixels wide the band is in a picture of this size."""
    return max(1, round(BAND_SHARE * math.hypot(*size)))


def boundary_counts(truth: UInt8Array, prediction: UInt8Array, classes: int) -> BoundaryCounts:
    """Count the bands of two class maps (H, W).

    Pixels whose truth is IGNORE or merged count nowhere, and where a region meets them is no contour: nobody
    knows whether it ends there.
    """
    height, width = truth.shape
    side = 2 * band_width((width, height)) + 1
    kernel = np.ones((side, side), np.uint8)
    unknown = np.asarray(truth >= classes, np.uint8)
    counts = np.zeros((2, classes), np.int64)
    for index in range(classes):
        masks = [
            np.asarray((class_map == index) & (unknown == 0), np.uint8) for class_map in (truth, prediction)
        ]
        if not any(mask.any() for mask in masks):
            continue
        true, called = (_band(mask, unknown, kernel) for mask in masks)
        counts[:, index] = (
            cv2.countNonZero(cv2.bitwise_and(true, called)),
            cv2.countNonZero(cv2.bitwise_or(true, called)),
        )
    return counts


def boundary_iou(counts: BoundaryCounts) -> NDArray[np.float64]:
    """(C,) NaN for a class that neither truth nor prediction has."""
    ious: NDArray[np.float64] = np.full(counts.shape[1], np.nan)
    np.divide(counts[0], counts[1], out=ious, where=counts[1] > 0)
    return ious


def _band(mask: UInt8Array, unknown: UInt8Array, kernel: UInt8Array) -> cv2.typing.MatLike:
    """(H, W) uint8, not 0 in the band of a mask."""
    inside = cv2.erode(cv2.bitwise_or(mask, unknown), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    return cv2.bitwise_and(mask, 1 - inside)
