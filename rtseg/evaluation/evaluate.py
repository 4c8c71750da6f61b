"""How good a model is on labelled pictures: a data set, or demo scenes.

A data set is evaluated at its own resolution, padded to the network's multiple, single scale, no flips; demo
scenes the way the runtime sees a video, stretched to the network's input. Needs no TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtseg import metrics
from rtseg.card import Metric
from rtseg.data.data_set import DataSet, Sample
from rtseg.data.demo import unseen_sample
from rtseg.errors import DataError
from rtseg.evaluation.predictor import Predictor, predict
from rtseg.evaluation.tally import Tally
from rtseg.frame import UInt8Array
from rtseg.labels import CLASSES, has_background
from rtseg.metrics.boundary import boundary_iou
from rtseg.metrics.calibration import expected_calibration_error, reliability

SCHEMA = 1
Progress = Callable[[int, int], None]
"""Called with frames done and frames in all."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was counted, and of what; only is the pattern that chose samples of the split, or None."""

    classes: tuple[str, ...]
    dataset: str
    split: str
    class_map: str
    tally: Tally
    only: str | None = None

    @property
    def confusion(self) -> metrics.Confusion:
        """(C, C) as in rtseg.metrics."""
        return self.tally.confusion

    @property
    def frames(self) -> int:
        """How many were evaluated."""
        return len(self.tally.scores)

    @property
    def ms_per_frame(self) -> float:
        """The median: the first frame of a size compiles the network for it."""
        return float(np.median(self.tally.spent_ms))

    def to_json(self, model: str) -> dict[str, Any]:
        """The figures of `rtseg eval --json`, which adds `backend` and `precision`.

        - schema: 1; keys may be added to it, none changes its meaning
        - model, dataset, split, map; only: the pattern of --only, or null
        - frames: how many; ms_per_frame: median of the segmentation alone
        - iou: {class: intersection over union of all frames together}
        - mean_iou: their mean without background, if there is such a class; mean_iou_all: with it
        - pixel_accuracy: share of counted pixels whose class is right
        - boundary_iou: {class: IoU of the bands along the outlines}, see rtseg.metrics.boundary
        - confusion: classes: names; pixels: a row a true class, a column a predicted one
        - calibration: ece: expected calibration error; bins: of the 15 those with pixels, each its mean
          confidence, its accuracy and its share of the counted pixels
        - worst: the ten frames of the lowest mean IoU, the worst first: frame: the picture's name without its
          ending; mean_iou: without background; iou: {class: x}

        A figure is a share from 0 to 1; null where its class occurs neither in truth nor prediction.
        """
        tally = self.tally
        return {
            "schema": SCHEMA,
            "model": model,
            "dataset": self.dataset,
            "split": self.split,
            "map": self.class_map,
            "only": self.only,
            "frames": self.frames,
            "iou": by_class(self.classes, metrics.iou_per_class(self.confusion)),
            "mean_iou": figure(metrics.mean_iou(self.confusion, background=not has_background(self.classes))),
            "mean_iou_all": figure(metrics.mean_iou(self.confusion, background=True)),
            "pixel_accuracy": figure(metrics.pixel_accuracy(self.confusion)),
            "ms_per_frame": round(self.ms_per_frame, 2),
            "boundary_iou": by_class(self.classes, boundary_iou(tally.boundary)),
            "confusion": {"classes": list(self.classes), "pixels": self.confusion.tolist()},
            "calibration": {
                "ece": figure(expected_calibration_error(tally.calibration)),
                "bins": [
                    {name: figure(value) for name, value in each._asdict().items()}
                    for each in reliability(tally.calibration)
                ],
            },
            "worst": [
                {
                    "frame": shown.score.name,
                    "mean_iou": figure(shown.score.mean_iou),
                    "iou": by_class(self.classes, shown.score.ious),
                }
                for shown in tally.worst
            ],
        }

    def to_metric(self, command: str) -> Metric:
        """The chief figures for a model's card. Raises DataError where nothing but background occurs."""
        figures = self.to_json("")
        if figures["mean_iou"] is None:
            raise DataError(
                f"{self.dataset}, {self.split}: holds nothing but background, so there is no mean IoU to put "
                "into a card; choose a split with other classes"
            )
        return Metric(command=command, **{key: figures[key] for key in Metric.model_fields if key in figures})


def figure(value: float) -> float | None:
    """A figure as JSON knows it: five digits, null where there is none."""
    return None if math.isnan(value) else round(float(value), 5)


def by_class(classes: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float | None]:
    """Figures under the names of their classes."""
    return {name: figure(value) for name, value in zip(classes, values.tolist(), strict=True)}


def evaluate_data_set(
    predictor: Predictor, data_set: DataSet, split: str, progress: Progress, *, only: str | None = None
) -> Evaluation:
    """Evaluate one split, or its samples whose names without ending match the pattern `only`, as in a shell.

    Raises DataError when its classes are not the model's, or when no name matches.
    """
    if data_set.classes != predictor.classes:
        raise DataError(
            f"map {data_set.map_name!r} of {data_set.name} has the classes {', '.join(data_set.classes)}; "
            f"the model {predictor.name} knows {', '.join(predictor.classes)}. Choose another map or model"
        )
    samples = data_set.samples(split)
    if only is not None:
        samples = _matching(samples, only, f"{data_set.name}, {split}")
    labelled = ((sample.image_path.stem, *data_set.load(sample)) for sample in samples)
    tally = _count(predictor, labelled, len(samples), progress)
    return Evaluation(data_set.classes, data_set.name, split, data_set.map_name, tally, only)


def evaluate_demo(predictor: Predictor, frames: int, progress: Progress) -> Evaluation:
    """Evaluate on this many demo scenes of unseen seeds. Raises DataError for a model of other classes."""
    if predictor.classes != CLASSES:
        raise DataError(f"the demo scenes have the classes {', '.join(CLASSES)}; this model has others")
    labelled = ((f"scene {number}", *unseen_sample(number)) for number in range(frames))
    tally = _count(predictor, labelled, frames, progress, stretched=True)
    return Evaluation(CLASSES, "demo", "unseen seeds", "", tally)


def _matching(samples: list[Sample], pattern: str, where: str) -> list[Sample]:
    found = [sample for sample in samples if fnmatchcase(sample.image_path.stem, pattern)]
    if not found:
        names = samples[0].image_path.stem, samples[-1].image_path.stem
        raise DataError(
            f"{where}: none of {len(samples)} pictures matches {pattern!r}; their names go from {names[0]} "
            f"to {names[1]}, and * stands for any characters"
        )
    return found


def _count(
    predictor: Predictor,
    labelled: Iterable[tuple[str, UInt8Array, UInt8Array]],
    total: int,
    progress: Progress,
    *,
    stretched: bool = False,
) -> Tally:
    tally = Tally(predictor.classes)
    for done, (name, image_rgb, truth) in enumerate(labelled, start=1):
        tally.add(name, image_rgb, truth, predict(predictor, image_rgb, stretched=stretched))
        progress(done, total)
    return tally
