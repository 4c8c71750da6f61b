"""What happens between the epochs of a training: validation and checkpoints."""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from rtseg import metrics
from rtseg.card import WEIGHTS_FILE
from rtseg.errors import ConfigError, TrainingError
from rtseg.frame import UInt8Array
from rtseg.labels import has_background
from rtseg.nets import MULTIPLE
from rtseg.training.batches import TrainingBatches
from rtseg.training.disk import writing
from rtseg.video.outputs import write_file

BEST_FILE = "best.json"


class Validation(keras.callbacks.Callback):  # type: ignore[misc]
    """Mean IoU on the val split after each epoch, as `rtseg eval` measures it.

    Keeps the weights of the best epoch, or always those of the last. At the end they are drawn back towards
    the weights that the run started from, where `blend` is below 1.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        pairs: Sequence[tuple[UInt8Array, UInt8Array]],
        out: Path,
        *,
        keep: Literal["best", "last"] = "best",
        blend: float = 1.0,
    ) -> None:
        super().__init__()
        self.keep_last = keep == "last"
        self.blend = blend
        self.classes = classes
        self.pairs = pairs
        self.weights_path = out / WEIGHTS_FILE
        self.best_path = out / BEST_FILE
        self.best = read_best(out)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        result = {"epoch": float(epoch + 1), **self._measure()}
        if logs is not None:
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            logs["learning_rate"] = float(rate)
            logs.update({f"val_{key}": value for key, value in result.items() if key != "epoch"})
        if self.keep_last or result["mean_iou"] > self.best.get("mean_iou", -1.0):
            self._keep(result)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        # A run that was killed after this, resumed, comes here again.
        if self.blend < 1 and "blend" not in self.best:
            self.model.network.load_weights(str(self.weights_path))
            self.model.blend_with_start(self.blend)
            self._keep({"epoch": self.best["epoch"], "blend": self.blend, **self._measure()})

    def _measure(self) -> dict[str, float]:
        confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)
        for image, truth in self.pairs:
            confusion += metrics.confusion_matrix(truth, self.model.class_map(image), len(self.classes))
        ious = dict(zip(self.classes, metrics.iou_per_class(confusion).tolist(), strict=True))
        mean_iou = metrics.mean_iou(confusion, background=not has_background(self.classes))
        return {"mean_iou": mean_iou, **ious}

    def _keep(self, result: dict[str, float]) -> None:
        self.best = result
        with writing(self.weights_path, self.model.network.variables):
            # Under another name first: a kill in the middle leaves the best so far as it was.
            part = self.weights_path.with_name(f"part.{WEIGHTS_FILE}")
            try:
                self.model.network.save_weights(str(part))
                part.replace(self.weights_path)
            finally:
                part.unlink(missing_ok=True)
        figures = {key: None if math.isnan(value) else value for key, value in result.items()}
        write_file(self.best_path, (json.dumps(figures, indent=2) + "\n").encode())


def read_best(out: Path) -> dict[str, float]:
    """The figures of a run's best epoch so far: NaN for a class that neither truth nor prediction holds.

    Once its weights are blended with those of the start, the share is there too, as "blend".
    """
    path = out / BEST_FILE
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {key: math.nan if value is None else value for key, value in figures.items()}


class MeasureStatistics(keras.callbacks.Callback):  # type: ignore[misc]
    """Fits the statistics of batch normalisation to the weights that an epoch ends with."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.measure_statistics(tuple(self.batches.recent))


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training whose loss is no number any more; the checkpoints stay as they were before."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not np.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {batch + 1} of {self._way_out()}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # The last step's loss was that of the weights before it.
        logits = self.model.network(np.zeros((1, MULTIPLE, MULTIPLE, 3), np.uint8), training=False)
        if not np.isfinite(keras.ops.convert_to_numpy(logits)).all():
            raise TrainingError(f"the logits are no numbers any more after {self._way_out()}")

    def _way_out(self) -> str:
        return (
            f"epoch {self.epoch + 1}; the weights of the best epoch before are kept. Go on with --resume and "
            "a lower --learning-rate, or look for odd labels with `rtseg data verify`"
        )


class Log(keras.callbacks.Callback):  # type: ignore[misc]
    """Appends a row an epoch to a CSV file: the epoch (from 0), then all that was logged, by name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {"epoch": epoch, **dict(sorted((logs or {}).items()))}
        with writing(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)


class Checkpoint(keras.callbacks.BackupAndRestore):  # type: ignore[misc]
    """Saves all that is needed to go on, when an epoch is wholly done.

    That is when the next one begins: by then the log has its row, and the weights being trained are back in
    the place of their average.
    """

    def __init__(self, folder: Path) -> None:
        # Two files in turn, so that a kill in the middle of writing leaves one that is whole.
        super().__init__(str(folder), double_checkpoint=True)
        self.folder = folder

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras lists each layer that does not fit
            # Other variables learn now than did then, and Keras would go on without the optimizer's state.
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
            try:
                super().on_train_begin(logs)
            except (OSError, ValueError, UserWarning) as error:
                raise ConfigError(
                    f"{self.folder}: is no checkpoint of this net, or damaged; go on with the options that "
                    "the run was started with, or start anew in another folder"
                ) from error

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch > (self.model._initial_epoch or 0):
            variables = [*self.model.variables, *self.model.optimizer.variables]
            with writing(self.folder, variables):
                super().on_epoch_end(epoch - 1, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Too early: see the class."""
