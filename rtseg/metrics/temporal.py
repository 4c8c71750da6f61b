"""Temporal consistency: whether what was seen in one frame is still seen in the next. Needs no labels.

The class map of the earlier frame is carried along the optical flow onto the later one and compared with
what was predicted there (warped mean IoU: Liu et al. 2020, arXiv:2002.11433; Varghese et al., CVPR Workshops
2020). Pixels that were hidden or outside the picture, which no flow can follow, are left out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg import metrics
from rtseg.frame import UInt8Array
from rtseg.labels import IGNORE

Flow = NDArray[np.float32]
"""(H, W, 2): how far each pixel moves to the right and down, in pixels."""
_Plane = NDArray[np.float32]


class FlowEstimator:
    """Dense optical flow by inverse search (Kroeger et al. 2016, arXiv:1603.03590)."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, start_luma: UInt8Array, end_luma: UInt8Array) -> Flow:
        """Two pictures (H, W) uint8 -> where each pixel of the first has gone in the second."""
        return np.asarray(self._dis.calc(start_luma, end_luma, None), np.float32)  # type: ignore[call-overload]


def warped_confusion(
    earlier: UInt8Array, later: UInt8Array, forward: Flow, backward: Flow, classes: int
) -> metrics.Confusion:
    """Count class maps (H, W) of neighbouring frames: rows are what the earlier one said, columns the later.

    forward is the flow from the earlier frame to the later, backward the other way.
    """
    height, width = later.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source = columns + backward[..., 0], rows + backward[..., 1]
    warped = cv2.remap(earlier, *source, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    followed = _followed(forward, backward, source)
    return metrics.confusion_matrix(
        np.where(followed, np.asarray(warped, np.uint8), np.uint8(IGNORE)), later, classes
    )


def _followed(forward: Flow, backward: Flow, source: tuple[_Plane, _Plane]) -> NDArray[np.bool_]:
    """(H, W): which pixels of the later frame come back to where they are when followed there and back.

    source is the column and the row (H, W) that each comes from. The tolerance is that of Sundaram et al.
    2010: a hundredth of the squared motion, and half a squared pixel.
    """
    height, width = forward.shape[:2]
    inside = (source[0] >= 0) & (source[0] <= width - 1) & (source[1] >= 0) & (source[1] <= height - 1)
    returned = cv2.remap(forward, *source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = np.square(returned + backward).sum(axis=-1)
    motion = np.square(returned).sum(axis=-1) + np.square(backward).sum(axis=-1)
    return np.asarray(inside & (gap <= 0.01 * motion + 0.5), np.bool_)


def flip_rate(confusion: metrics.Confusion) -> float:
    """Share of followed pixels whose class changed; NaN where none could be followed."""
    return 1 - metrics.pixel_accuracy(confusion)
