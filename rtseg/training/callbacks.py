"""What happens between the epochs of a training: validation and checkpoints."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rtseg import metrics, postprocess, preprocess
from rtseg.card import WEIGHTS_FILE
from rtseg.data.data_set import DataSet
from rtseg.frame import UInt8Array
from rtseg.nets import MULTIPLE


class Validation(keras.callbacks.Callback):  # type: ignore[misc]
    """Mean IoU on the val split after each epoch, as `rtseg eval` measures it; keeps the best weights."""

    def __init__(self, data_set: DataSet, pairs: list[tuple[UInt8Array, UInt8Array]], out: Path) -> None:
        super().__init__()
        self.data_set = data_set
        self.pairs = pairs
        self.weights_path = out / WEIGHTS_FILE
        self.best_path = out / "best.json"
        self.best: dict[str, float] = (
            json.loads(self.best_path.read_text(encoding="utf-8")) if self.best_path.exists() else {}
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        classes = self.data_set.classes
        confusion = np.zeros((len(classes), len(classes)), np.int64)
        for image, truth in self.pairs:
            padded = preprocess.pad_to_multiple(image, MULTIPLE)
            # Called, not predicted: TensorFlow's graph of an open size cannot be traced for a second size.
            logits = keras.ops.convert_to_numpy(self.model(padded[None], training=False))[0]
            planes = np.ascontiguousarray(logits.transpose(2, 0, 1), np.float32)
            prediction = postprocess.class_map(planes, (padded.shape[1], padded.shape[0]))
            height, width = truth.shape
            confusion += metrics.confusion_matrix(truth, prediction[:height, :width], len(classes))
        result = {
            "epoch": float(epoch + 1),
            "mean_iou": metrics.mean_iou(confusion),
            **dict(zip(classes, metrics.iou_per_class(confusion).tolist(), strict=True)),
        }
        if logs is not None:
            logs.update({f"val_{key}": value for key, value in result.items() if key != "epoch"})
        if result["mean_iou"] > self.best.get("mean_iou", -1.0):
            self.best = result
            self.model.save_weights(str(self.weights_path))
            self.best_path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


class Checkpoint(keras.callbacks.BackupAndRestore):  # type: ignore[misc]
    """Saves all that is needed to go on, when an epoch is wholly done.

    That is when the next one begins: by then the log has its row, and the weights being trained are back in
    the place of their average.
    """

    def __init__(self, folder: Path) -> None:
        # Two files in turn, so that a kill in the middle of writing leaves one that is whole.
        super().__init__(str(folder), double_checkpoint=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch > (self.model._initial_epoch or 0):
            super().on_epoch_end(epoch - 1, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Too early: see the class."""


def trim_log(log: Path, checkpoint: Path) -> int:
    """Drop the rows of epochs that a resumed run will do again; -> how many epochs the log holds."""
    if not log.exists():
        return 0
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    metadata = checkpoint / "training_metadata.json"
    if metadata.exists():
        done = json.loads(metadata.read_text(encoding="utf-8"))["epoch"]
        rows = rows[: done + 1]
        with log.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return max(0, len(rows) - 1)
