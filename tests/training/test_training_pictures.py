"""What a training looks like, on files that one can open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from little_runs import NET, little

from rtseg.labels import CLASSES, IGNORE, merged
from rtseg.training.network import TrainingNetwork
from rtseg.training.pictures import Pictures, draw_curves

HEADER = "epoch,learning_rate,loss,val_background,val_mean_iou,val_pedestrian,val_road,val_vehicle\n"


@pytest.mark.parametrize("epochs", [1, 30])
def test_curves_are_drawn_of_as_many_epochs_as_there_are(tmp_path: Path, epochs: int) -> None:
    rows = [f"{epoch},0.001,{1 / (1 + epoch)},0.9,0.5,nan,0.8,0.7\n" for epoch in range(epochs)]
    (tmp_path / "log.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    draw_curves(tmp_path / "log.csv", tmp_path / "curves.png")
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape == (400, 1000, 3)
    assert 0.01 < (picture < 200).any(axis=-1).mean() < 0.3


def test_a_sheet_shows_each_picture_once_and_no_more_than_six(
    tmp_path: Path, picture: Callable[..., np.ndarray]
) -> None:
    truth = np.zeros((48, 64), np.uint8)
    truth[:, 20:], truth[:, 40:], truth[:4] = 2, merged((2, 3)), IGNORE
    model = TrainingNetwork(little(tmp_path, tmp_path, net=NET), len(CLASSES), (1.0,) * len(CLASSES))
    heights = []
    for count in (1, 2, 20):
        (tmp_path / "log.csv").write_text(f"{HEADER}0,0.001,1.5,0.9,0.5,0.1,0.8,0.7\n", encoding="utf-8")
        pairs = [(picture((64, 48), number), truth) for number in range(count)]
        drawing = Pictures(tmp_path, CLASSES, pairs, every=2)
        drawing.set_params({"epochs": 3})
        drawing.set_model(model)
        for epoch in range(3):
            drawing.on_epoch_end(epoch)
        sheets = sorted((tmp_path / "pictures").iterdir())
        assert [path.name for path in sheets] == [f"epoch-00{epoch}.jpg" for epoch in (2, 3)]
        heights.append(cv2.imread(str(sheets[-1])).shape[0])
    row = heights[1] - heights[0]
    assert row > 48
    assert heights[2] - heights[0] == 5 * row
