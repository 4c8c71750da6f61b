"""How good a model is: IoU per class over a data set or over demo scenes.

A data set is evaluated at its own resolution, padded to the network's multiple, single scale, no flips; demo
scenes the way the runtime sees a video, stretched to the network's input. Needs no TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtseg import metrics
from rtseg.card import Metric
from rtseg.data.data_set import DataSet
from rtseg.data.demo import unseen_sample
from rtseg.errors import DataError
from rtseg.frame import UInt8Array
from rtseg.labels import CLASSES
from rtseg.segmenter import Segmenter

SCHEMA = 1
Progress = Callable[[int, int], None]
"""Called with frames done and frames in all."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was counted: confusion (C, C) as in rtseg.metrics, over this many frames."""

    classes: tuple[str, ...]
    dataset: str
    split: str
    class_map: str
    confusion: metrics.Confusion
    frames: int
    ms_per_frame: float

    def to_json(self, model: str) -> dict[str, Any]:
        """The documented keys of `rtseg eval --json`; the IoU of an absent class is null."""
        return {
            "schema": SCHEMA,
            "model": model,
            "dataset": self.dataset,
            "split": self.split,
            "map": self.class_map,
            "frames": self.frames,
            "iou": self._iou(),
            "mean_iou": round(metrics.mean_iou(self.confusion), 5),
            "mean_iou_all": round(metrics.mean_iou(self.confusion, background=True), 5),
            "pixel_accuracy": round(metrics.pixel_accuracy(self.confusion), 5),
            "ms_per_frame": round(self.ms_per_frame, 2),
        }

    def to_metric(self, command: str) -> Metric:
        """The same for a model's card."""
        figures = self.to_json("")
        kept = {key: figures[key] for key in Metric.model_fields if key in figures}
        return Metric(command=command, **kept)

    def _iou(self) -> dict[str, float | None]:
        ious = metrics.iou_per_class(self.confusion)
        return {
            name: None if np.isnan(iou) else round(float(iou), 5)
            for name, iou in zip(self.classes, ious, strict=True)
        }


def evaluate_data_set(segmenter: Segmenter, data_set: DataSet, split: str, progress: Progress) -> Evaluation:
    """Evaluate one split. Raises DataError when its classes are not the model's."""
    if data_set.classes != segmenter.card.classes:
        raise DataError(
            f"map {data_set.map_name!r} of {data_set.name} has the classes {', '.join(data_set.classes)}; "
            f"the model {segmenter.card.name} knows {', '.join(segmenter.card.classes)}. Choose another map "
            "or model"
        )
    samples = data_set.samples(split)
    pairs = (data_set.load(sample) for sample in samples)
    confusion, ms_per_frame = _count(segmenter.segment_unscaled, pairs, len(samples), segmenter, progress)
    return Evaluation(
        data_set.classes, data_set.name, split, data_set.map_name, confusion, len(samples), ms_per_frame
    )


def evaluate_demo(segmenter: Segmenter, frames: int, progress: Progress) -> Evaluation:
    """Evaluate on this many demo scenes of unseen seeds. Raises DataError for a model of other classes."""
    if segmenter.card.classes != CLASSES:
        raise DataError(f"the demo scenes have the classes {', '.join(CLASSES)}; this model has others")
    confusion, ms_per_frame = _count(
        lambda image_rgb: segmenter(np.ascontiguousarray(image_rgb[..., ::-1])),
        (unseen_sample(number) for number in range(frames)),
        frames,
        segmenter,
        progress,
    )
    return Evaluation(CLASSES, "demo", "unseen seeds", "", confusion, frames, ms_per_frame)


def _count(
    predict: Callable[[UInt8Array], UInt8Array],
    pairs: Iterable[tuple[UInt8Array, UInt8Array]],
    total: int,
    segmenter: Segmenter,
    progress: Progress,
) -> tuple[metrics.Confusion, float]:
    classes = len(segmenter.card.classes)
    confusion = np.zeros((classes, classes), np.int64)
    spent: list[float] = []
    for done, (image_rgb, truth) in enumerate(pairs, start=1):
        started = time.perf_counter()
        prediction = predict(image_rgb)
        spent.append((time.perf_counter() - started) * 1e3)
        confusion += metrics.confusion_matrix(truth, prediction, classes)
        progress(done, total)
    # The first frame of a size compiles the network for it.
    return confusion, float(np.median(spent))
