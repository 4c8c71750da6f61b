"""How steady a model is on a video without labels.

Each class map is carried along the optical flow onto the next frame and compared with the one there: see
rtseg.metrics.temporal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np

from rtseg import metrics, postprocess, preprocess
from rtseg.errors import ConfigError, DataError
from rtseg.evaluation.evaluate import SCHEMA, by_class, figure
from rtseg.evaluation.predictor import Predictor
from rtseg.frame import Frame, Size, UInt8Array
from rtseg.labels import has_background
from rtseg.metrics.temporal import FlowEstimator, flip_rate, warped_confusion
from rtseg.segmenter import Segmenter
from rtseg.video.source import Source

FLOW_WIDTH = 512
"""Pixels across at which flow and class maps are compared: at full HD the flow would cost 14 times more."""


@dataclass(frozen=True, eq=False)
class VideoEvaluation:
    """confusion (C, C) of all neighbouring frames: what the earlier said (row), what the later (column)."""

    classes: tuple[str, ...]
    video: str
    frames: int
    flow_size: Size
    confusion: metrics.Confusion
    ms_per_frame: float

    def to_json(self, model: str) -> dict[str, Any]:
        """The figures of `rtseg eval --video --json`, which adds `backend` and `precision`.

        - schema: 1; model; video: its name; frames: how many
        - flow_size: [width, height] in pixels at which neighbouring frames were compared
        - followed: share of the pixels that the optical flow could follow from one frame to the next;
          only those count
        - warped_iou: {class: IoU of each frame with the one before, carried along the flow}
        - warped_mean_iou: their mean without background; warped_mean_iou_all: with it
        - flip_rate: share of the followed pixels whose class changed
        - ms_per_frame: median of the segmentation alone

        null where a class never occurs, or where nothing could be followed.
        """
        pixels = (self.frames - 1) * self.flow_size[0] * self.flow_size[1]
        return {
            "schema": SCHEMA,
            "model": model,
            "video": self.video,
            "frames": self.frames,
            "flow_size": list(self.flow_size),
            "followed": figure(float(self.confusion.sum()) / pixels),
            "warped_iou": by_class(self.classes, metrics.iou_per_class(self.confusion)),
            "warped_mean_iou": figure(
                metrics.mean_iou(self.confusion, background=not has_background(self.classes))
            ),
            "warped_mean_iou_all": figure(metrics.mean_iou(self.confusion, background=True)),
            "flip_rate": figure(flip_rate(self.confusion)),
            "ms_per_frame": round(self.ms_per_frame, 2),
        }


def evaluate_video(
    predictor: Predictor,
    source: Source,
    frames: int | None,
    progress: Callable[[int, int | None], None],
) -> VideoEvaluation:
    """Evaluate the first frames of a video, all unless told how many.

    Raises DataError for a video of one frame or of changing size, ConfigError for one without an end.
    """
    if frames is None and source.live:
        raise ConfigError(f"{source.name}: has no end; say with --frames how much of it to evaluate")
    estimate = FlowEstimator()
    classes = len(predictor.classes)
    confusion = np.zeros((classes, classes), np.int64)
    spent_ms: list[float] = []
    size: Size = (0, 0)
    before: tuple[UInt8Array, UInt8Array] | None = None
    for done, frame in enumerate(islice(source.frames(), frames), start=1):
        if before is not None and size != _flow_size(frame.size):
            raise DataError(
                f"{source.name}: frame {frame.index} is {frame.width}x{frame.height}, those before are of "
                "another shape, so nothing can be followed; give a video, or pictures of one size"
            )
        size = _flow_size(frame.size)
        started = time.perf_counter()
        class_map = _class_map(predictor, frame, size)
        spent_ms.append((time.perf_counter() - started) * 1e3)
        luma = _luma(frame, size)
        if before is not None:
            forward, backward = estimate(before[0], luma), estimate(luma, before[0])
            confusion += warped_confusion(before[1], class_map, forward, backward, classes)
        before = luma, class_map
        progress(done, frames or source.frame_count)
    if len(spent_ms) < 2:
        raise DataError(f"{source.name}: has one frame; neighbouring frames are compared, so give a video")
    return VideoEvaluation(
        predictor.classes, source.name, len(spent_ms), size, confusion, float(np.median(spent_ms))
    )


def _flow_size(size: Size) -> Size:
    width = min(FLOW_WIDTH, size[0])
    return width, max(1, round(size[1] * width / size[0]))


def _luma(frame: Frame, size: Size) -> UInt8Array:
    plane = frame.planes[0]
    if frame.pixel_format == "bgr24":
        plane = np.asarray(cv2.cvtColor(plane, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def _class_map(predictor: Predictor, frame: Frame, size: Size) -> UInt8Array:
    """(h, w) of this size; a Segmenter sees the frame stretched to its input, as when it runs."""
    if isinstance(predictor, Segmenter):
        return postprocess.class_map(predictor.segment(frame).logits, size)
    probabilities = predictor.probabilities(np.ascontiguousarray(preprocess.to_bgr(frame)[..., ::-1]))
    return postprocess.class_map(probabilities, size)
