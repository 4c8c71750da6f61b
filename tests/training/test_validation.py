"""Which weights a run keeps, by what it measures on the val split."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from little_runs import NET, little

from rtseg.card import WEIGHTS_FILE
from rtseg.errors import TrainingError
from rtseg.labels import CLASSES, ROAD, VEHICLE
from rtseg.nets import build
from rtseg.training.callbacks import StopAtNaN, Validation, read_best
from rtseg.training.network import TrainingNetwork

TRUTH = np.full((64, 64), ROAD, np.uint8)
TRUTH[:16] = VEHICLE


@pytest.fixture
def model(tmp_path: Path) -> TrainingNetwork:
    return TrainingNetwork(little(tmp_path, tmp_path), len(CLASSES), (1.0,) * len(CLASSES))


def says(model: TrainingNetwork, class_index: int) -> None:
    """Make it say one class of everything."""
    layer = model.network.get_layer("logits")
    layer.set_weights([np.zeros_like(layer.get_weights()[0]), 5.0 * (np.arange(4) == class_index)])


def bias_in(folder: Path) -> list[float]:
    network = build(NET, classes=4)
    network.load_weights(str(folder / WEIGHTS_FILE))
    return [float(value) for value in network.get_layer("logits").get_weights()[1]]


def validation(model: TrainingNetwork, out: Path, **options: Any) -> Validation:
    validate = Validation(CLASSES, [(np.zeros((64, 64, 3), np.uint8), TRUTH)], out, **options)
    validate.set_model(model)
    return validate


@pytest.mark.parametrize(("keep", "epoch", "kept"), [("best", 2, ROAD), ("last", 3, VEHICLE)])
def test_the_best_epoch_is_kept_or_the_last(
    tmp_path: Path, model: TrainingNetwork, keep: str, epoch: int, kept: int
) -> None:
    validate = validation(model, tmp_path, keep=keep)
    for number, class_index in enumerate((0, ROAD, VEHICLE)):
        says(model, class_index)
        validate.on_epoch_end(number)
    assert bias_in(tmp_path) == [5.0 * (index == kept) for index in range(4)]
    share = {ROAD: 0.75, VEHICLE: 0.25}[kept]
    expected = {"epoch": epoch, "mean_iou": share / 2, "background": math.nan, "road": 0, "vehicle": 0}
    expected |= {CLASSES[kept]: share, "pedestrian": math.nan}
    assert validate.best == pytest.approx(expected, nan_ok=True)
    # Whoever reads JSON strictly can read it, and a resumed run takes it from there.
    written = json.loads((tmp_path / "best.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert written["pedestrian"] is None
    assert read_best(tmp_path) == pytest.approx(validate.best, nan_ok=True)
    assert validation(model, tmp_path).best["epoch"] == epoch


def test_classes_without_a_background_all_count(tmp_path: Path, model: TrainingNetwork) -> None:
    says(model, 0)
    pairs = [(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8))]
    validate = Validation(("sky", *CLASSES[1:]), pairs, tmp_path)
    validate.set_model(model)
    validate.on_epoch_end(0)
    assert validate.best["mean_iou"] == validate.best["sky"] == 1


def test_a_resumed_run_keeps_what_was_better_before(tmp_path: Path, model: TrainingNetwork) -> None:
    says(model, ROAD)
    validation(model, tmp_path).on_epoch_end(0)
    says(model, VEHICLE)
    validation(model, tmp_path).on_epoch_end(1)
    assert bias_in(tmp_path)[ROAD] == 5.0
    assert read_best(tmp_path)["epoch"] == 1


def test_a_run_that_was_killed_when_it_was_blended_is_not_blended_again(
    tmp_path: Path, model: TrainingNetwork
) -> None:
    model._start = {
        "logits": [np.zeros_like(weights) for weights in model.network.get_layer("logits").get_weights()]
    }
    says(model, ROAD)
    first = validation(model, tmp_path, blend=0.5)
    first.on_epoch_end(0)
    first.on_train_end()
    assert bias_in(tmp_path)[ROAD] == 2.5
    assert read_best(tmp_path)["blend"] == 0.5
    # Its last epoch is done once more, and is no better.
    says(model, 0)
    resumed = validation(model, tmp_path, blend=0.5)
    resumed.on_epoch_end(0)
    resumed.on_train_end()
    assert bias_in(tmp_path)[ROAD] == 2.5


def test_pictures_of_several_sizes_are_validated(
    tmp_path: Path, model: TrainingNetwork, picture: Callable[..., np.ndarray]
) -> None:
    sizes = ((64, 64), (96, 64), (70, 50))
    pairs = [(picture(size, 1), np.full(size[::-1], ROAD, np.uint8)) for size in sizes]
    says(model, ROAD)
    validate = Validation(CLASSES, pairs, tmp_path)
    validate.set_model(model)
    validate.on_epoch_end(0)
    assert validate.best["road"] == 1


def test_what_is_logged_is_the_figures_and_the_learning_rate(tmp_path: Path, model: TrainingNetwork) -> None:
    model.compile(optimizer=keras.optimizers.SGD(0.125))
    logs: dict[str, float] = {"loss": 1.5}
    says(model, ROAD)
    validation(model, tmp_path).on_epoch_end(0, logs)
    assert logs.pop("val_background") is not None
    assert (logs["loss"], logs["learning_rate"], logs["val_road"]) == (1.5, 0.125, 0.75)
    assert set(logs) == {"loss", "learning_rate", "val_mean_iou", *(f"val_{name}" for name in CLASSES[1:])}


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_weights_that_broke_in_the_last_step_of_an_epoch_end_the_run(
    model: TrainingNetwork, broken: float
) -> None:
    stop = StopAtNaN()
    stop.set_model(model)
    stop.on_epoch_begin(4)
    stop.on_epoch_end(4)
    layer = model.network.get_layer("logits")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, np.full_like(bias, broken)])
    with pytest.raises(TrainingError, match=r"no numbers any more after epoch 5; the weights of the best"):
        stop.on_epoch_end(4)
