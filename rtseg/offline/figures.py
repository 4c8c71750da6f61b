"""What is said of each frame in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Segmentation, UInt8Array
from rtseg.offline.job import SCHEMA

BANDS = 8
"""Bands of rows, of equal height, from the top of the picture to its bottom."""
ROAD = "road"


@dataclass(frozen=True)
class FrameFigures:
    """Of one frame."""

    index: int
    pts: int
    time_base: str
    """What a tick of pts is, in seconds, as a fraction."""
    seconds: float
    share: tuple[float, ...]
    """Of all pixels, one a class."""
    drivable_width: tuple[float, ...] | None
    """In each band the widest run of road in a row, averaged over rows, as a share of the picture's width."""
    confidence: float
    """The probability of the class that was chosen, averaged over the picture."""

    def row(self, classes: Sequence[str]) -> dict[str, Any]:
        """The documented keys."""
        return {
            "schema": SCHEMA,
            "index": self.index,
            "pts": self.pts,
            "time_base": self.time_base,
            "seconds": self.seconds,
            "share": {name: round(share, 5) for name, share in zip(classes, self.share, strict=True)},
            "drivable_width": None
            if self.drivable_width is None
            else [round(w, 4) for w in self.drivable_width],
            "confidence": round(self.confidence, 4),
        }


def figures(segmentation: Segmentation, classes: Sequence[str]) -> FrameFigures:
    """At the network's own resolution: fine enough for shares, and done in a fraction of a millisecond."""
    frame = segmentation.frame
    logits = segmentation.logits
    best = logits.max(axis=0)
    class_map = logits.argmax(axis=0).astype(np.uint8) if len(logits) > 8 else _argmax(logits, best)
    # The softmax of the best class.
    confidence = 1 / np.exp(logits - best).sum(axis=0)
    counts = np.bincount(class_map.ravel(), minlength=len(classes))
    road = classes.index(ROAD) if ROAD in classes else None
    return FrameFigures(
        index=frame.index,
        pts=frame.pts or 0,
        time_base=str(frame.time_base),
        seconds=frame.seconds or 0.0,
        share=tuple(float(count) / class_map.size for count in counts),
        drivable_width=None if road is None else widest_runs(class_map == road),
        confidence=float(confidence.mean()),
    )


def _argmax(logits: NDArray[np.float32], best: NDArray[np.float32]) -> UInt8Array:
    """As np.argmax along the first axis, some times faster for few classes; the lower index wins."""
    class_map = np.zeros(best.shape, np.uint8)
    for index in range(len(logits) - 1, 0, -1):
        class_map[logits[index] == best] = index
    class_map[logits[0] == best] = 0
    return class_map


def widest_runs(mask: NDArray[np.bool_]) -> tuple[float, ...]:
    """(H, W) -> of each band the longest unbroken run in a row over W, averaged over the band's rows."""
    height, width = mask.shape
    columns = np.arange(1, width + 1, dtype=np.int32)
    last_gap = np.maximum.accumulate(np.where(mask, 0, columns), axis=1)
    runs = np.where(mask, columns - last_gap, 0).max(axis=1) / width
    edges = [round(band * height / BANDS) for band in range(BANDS + 1)]
    return tuple(float(runs[top:bottom].mean()) if bottom > top else 0.0 for top, bottom in pairwise(edges))
