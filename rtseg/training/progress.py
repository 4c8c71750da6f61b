"""Progress of a training on the terminal."""

from __future__ import annotations

from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar over the steps of the whole run with the time left, and a line an epoch with loss and IoU."""

    progress: Progress | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TextColumn("loss {task.fields[loss]:.3f}  learning rate {task.fields[rate]:.1e}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False, soft_wrap=True),
        )
        self.task = self.progress.add_task("train", total=self.params["epochs"], loss=float("nan"), rate=0.0)
        self.progress.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch
        # Not at each step: JAX's variables are out of reach while an epoch is under way.
        self.rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done = self.epoch + (batch + 1) / self.params["steps"]
        if self.progress is not None:
            loss = float((logs or {}).get("loss", 0.0))
            self.progress.update(self.task, completed=round(done, 2), loss=loss, rate=self.rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        parts = [f"epoch {epoch + 1}/{self.params['epochs']}"]
        parts += [f"{key.removeprefix('val_')} {value:.3g}" for key, value in (logs or {}).items()]
        if self.progress is not None:
            self.progress.console.print("  ".join(parts))

    def close(self) -> None:
        """Take the bar from the terminal; also when the training failed before it began."""
        if self.progress is not None:
            self.progress.stop()
