"""What an evaluation counts, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg import metrics
from rtseg.evaluation.predictor import Prediction
from rtseg.frame import UInt8Array
from rtseg.labels import has_background
from rtseg.metrics.boundary import BoundaryCounts, boundary_counts
from rtseg.metrics.calibration import BINS, CalibrationCounts, calibration_counts

WORST = 10
_SHOWN_SIDE = 480  # pixels of the longer side, enough to see what went wrong


@dataclass(frozen=True, eq=False)
class FrameScore:
    """How good one frame is: IoU (C,) of its classes, their mean without background; NaN where absent."""

    name: str
    ious: NDArray[np.float64]
    mean_iou: float


@dataclass(frozen=True, eq=False)
class ShownFrame:
    """A frame to look at, made small: picture (h, w, 3) RGB, class maps (h, w) with IGNORE, all uint8."""

    score: FrameScore
    image_rgb: UInt8Array
    truth: UInt8Array
    prediction: UInt8Array


class Tally:
    """Counts of all frames so far."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = len(classes)
        self._all_count = not has_background(classes)
        self.confusion: metrics.Confusion = np.zeros((len(classes), len(classes)), np.int64)
        self.boundary: BoundaryCounts = np.zeros((2, len(classes)), np.int64)
        self.calibration: CalibrationCounts = np.zeros((3, BINS))
        self.scores: list[FrameScore] = []
        self.worst: list[ShownFrame] = []
        """The WORST frames with the lowest mean IoU, the worst first."""
        self.spent_ms: list[float] = []

    def add(self, name: str, image_rgb: UInt8Array, truth: UInt8Array, prediction: Prediction) -> None:
        """Count a frame: picture (H, W, 3), truth (H, W) with IGNORE, what was predicted."""
        class_map = prediction.class_map
        confusion = metrics.confusion_matrix(truth, class_map, self._classes)
        self.confusion += confusion
        self.boundary += boundary_counts(truth, class_map, self._classes)
        confidence = prediction.probabilities.max(axis=0)
        self.calibration += calibration_counts(truth, class_map, confidence, self._classes)
        self.spent_ms.append(prediction.ms)
        mean_iou = metrics.mean_iou(confusion, background=self._all_count)
        score = FrameScore(name, metrics.iou_per_class(confusion), mean_iou)
        self.scores.append(score)
        self._keep_if_bad(score, image_rgb, truth, class_map)

    def _keep_if_bad(
        self, score: FrameScore, image_rgb: UInt8Array, truth: UInt8Array, class_map: UInt8Array
    ) -> None:
        if np.isnan(score.mean_iou):
            return
        if len(self.worst) == WORST and score.mean_iou >= self.worst[-1].score.mean_iou:
            return
        maps = [_small(plane, cv2.INTER_NEAREST) for plane in (truth, class_map)]
        self.worst.append(ShownFrame(score, _small(image_rgb, cv2.INTER_AREA), *maps))
        self.worst.sort(key=lambda shown: shown.score.mean_iou)
        del self.worst[WORST:]


def _small(plane: UInt8Array, interpolation: int) -> UInt8Array:
    height, width = plane.shape[:2]
    factor = min(1.0, _SHOWN_SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(plane, size, interpolation=interpolation), np.uint8)
