"""What a training looks like: learning curves, and what the net makes of some pictures.

log.csv -> curves.png; a few validation pairs -> pictures/epoch-005.jpg, a row each: image, truth, prediction
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from rtseg.data.sheet import Tile, blended, contact_sheet, legend_of
from rtseg.frame import UInt8Array
from rtseg.labels import palette
from rtseg.video.outputs import make_folder, write_file

_ROWS = 6


class Pictures(keras.callbacks.Callback):  # type: ignore[misc]
    """Draws the curves after each epoch, and a picture sheet every few epochs and at the end."""

    def __init__(
        self,
        out: Path,
        classes: tuple[str, ...],
        pairs: Sequence[tuple[UInt8Array, UInt8Array]],
        *,
        every: int,
    ) -> None:
        super().__init__()
        self.out = out
        self.classes = classes
        numbers = np.linspace(0, len(pairs) - 1, min(_ROWS, len(pairs))).astype(int)
        self.pairs = [pairs[number] for number in numbers]
        self.every = every

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        draw_curves(self.out / "log.csv", self.out / "curves.png")
        if (epoch + 1) % self.every and epoch + 1 < self.params["epochs"]:
            return
        folder = self.out / "pictures"
        make_folder(folder)
        sheet = self._sheet()
        jpeg = cv2.imencode(".jpg", np.ascontiguousarray(sheet[..., ::-1]))[1].tobytes()
        write_file(folder / f"epoch-{epoch + 1:03d}.jpg", jpeg)

    def _sheet(self) -> UInt8Array:
        colours = palette(self.classes)
        tiles = []
        for image, truth in self.pairs:
            prediction = self.model.class_map(image)
            tiles += [
                Tile(image, "image"),
                Tile(blended(image, truth, colours), "truth"),
                Tile(blended(image, prediction, colours), "prediction"),
            ]
        return contact_sheet(tiles, columns=3, legend=legend_of(self.classes, colours))


def draw_curves(log: Path, picture: Path) -> None:
    """log.csv -> a plot of the loss, the learning rate and each figure of the validation over the epochs."""
    from matplotlib.figure import Figure

    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {key: [float(row[key]) for row in rows] for key in rows[0] if key != "epoch"}
    epochs = range(1, len(rows) + 1)
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss_axes, iou_axes = figure.subplots(1, 2)
    loss_axes.plot(epochs, columns["loss"], label="loss", color="black")
    loss_axes.set(xlabel="epoch", ylabel="training loss", yscale="log")
    if "learning_rate" in columns:
        rate_axes = loss_axes.twinx()
        rate_axes.plot(epochs, columns["learning_rate"], color="grey", linestyle=":")
        rate_axes.set_ylabel("learning rate (dotted)")
    for name, values in columns.items():
        if name.startswith("val_"):
            style = {"color": "black", "linewidth": 2} if name == "val_mean_iou" else {"linewidth": 1}
            iou_axes.plot(epochs, values, label=name.removeprefix("val_").replace("_", " "), **style)
    iou_axes.set(xlabel="epoch", ylabel="IoU on val", ylim=(0, 1))
    iou_axes.grid(alpha=0.3)
    iou_axes.legend(loc="lower right")
    png = BytesIO()
    figure.savefig(png, format="png", dpi=100)
    write_file(picture, png.getvalue())
