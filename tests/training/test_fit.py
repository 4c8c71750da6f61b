"""A real training, a tiny one: what it learns and leaves, and what is refused before it starts."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from little_runs import NET, Run, little, log_of, write_bright

from rtseg.card import CARD_FILE, WEIGHTS_FILE, find_model, read_card
from rtseg.data.data_set import open_data_set
from rtseg.errors import ConfigError, DataError, ModelError, RtsegError, SinkError
from rtseg.labels import CLASSES, IGNORE
from rtseg.nets.imagenet import SOURCES, Source
from rtseg.training.batches import TrainingBatches, training_shares
from rtseg.training.config import CONFIG_FILE, load_config
from rtseg.training.fit import train
from rtseg.training.network import TrainingNetwork

needs_tensorboard = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")),
    reason="needs TensorFlow and TensorBoard, which are not installed",
)


def test_it_learns(run: Run) -> None:
    rows = log_of(run.config.out)
    assert rows[1]["loss"] < 0.8 * rows[0]["loss"]
    assert run.best["mean_iou"] > 0.4


def test_a_run_leaves_a_model_folder_that_lacks_only_its_onnx_file(run: Run) -> None:
    left = {path.name for path in run.config.out.iterdir()}
    shown = {"curves.png", "pictures"}
    assert left - {"tensorboard"} == {WEIGHTS_FILE, CARD_FILE, CONFIG_FILE, "log.csv", "best.json"} | shown
    card = read_card(run.config.out / CARD_FILE)
    assert (card.name, card.net, card.classes) == ("my-first-run", NET, CLASSES)
    assert (card.input.width, card.input.height) == (64, 64)
    assert [(part.name, part.license) for part in card.training_data] == [("bright", "MIT")]
    assert card.training_command == "rtseg train"


def test_the_weights_are_those_of_the_best_epoch(run: Run) -> None:
    model = TrainingNetwork(run.config, 4, (1.0,) * 4)
    model.network.load_weights(str(run.config.out / WEIGHTS_FILE))
    right = counted = 0
    for _, image, truth in open_data_set(next(iter(run.config.data)), run.config.class_map).pairs("val"):
        right += (model.class_map(image) == truth).sum()
        counted += (truth != IGNORE).sum()
    assert right / counted > 0.6


def test_batch_statistics_are_those_of_the_weights_that_are_kept(run: Run) -> None:
    model = TrainingNetwork(run.config, 4, (1.0,) * 4)
    model.network.load_weights(str(run.config.out / WEIGHTS_FILE))
    layer = model.network.get_layer("two_bn")
    kept = layer.get_weights()
    data_set = open_data_set(next(iter(run.config.data)), run.config.class_map)
    batches = TrainingBatches(run.config, training_shares(run.config, [data_set]))
    batches.start_epoch(int(run.best["epoch"]) - 1)
    model.measure_statistics(batches[index][0] for index in range(len(batches)))
    for weights, anew in zip(kept, layer.get_weights(), strict=True):
        np.testing.assert_allclose(anew, weights, rtol=1e-3, atol=1e-4)


def test_the_configuration_beside_it_is_the_run(run: Run) -> None:
    assert load_config(run.config.out / CONFIG_FILE, {"out": run.config.out}) == run.config


def test_the_log_has_a_row_an_epoch_and_the_best_is_one_of_them(run: Run) -> None:
    rows = log_of(run.config.out)
    assert [row["epoch"] for row in rows] == [0, 1]
    assert all(np.isfinite(row["loss"]) and row["loss"] > 0 for row in rows)
    assert 0 <= rows[1]["learning_rate"] < rows[0]["learning_rate"] < run.config.learning_rate
    assert run.best == json.loads((run.config.out / "best.json").read_text(encoding="utf-8"))
    assert run.best["mean_iou"] == max(row["val_mean_iou"] for row in rows)
    best = rows[int(run.best["epoch"]) - 1]
    assert {name: best[f"val_{name}"] for name in CLASSES} == {name: run.best[name] for name in CLASSES}


def test_curves_and_pictures_can_be_looked_at(run: Run) -> None:
    curves = cv2.imread(str(run.config.out / "curves.png"))
    assert curves.shape == (400, 1000, 3)
    assert 0.01 < (curves < 200).any(axis=-1).mean() < 0.3
    assert [path.name for path in (run.config.out / "pictures").iterdir()] == ["epoch-002.jpg"]
    sheet = cv2.imread(str(run.config.out / "pictures" / "epoch-002.jpg"))
    assert sheet.std() > 20


@needs_tensorboard
def test_tensorboard_can_read_it(run: Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run.config.out / "tensorboard"
    tags = {
        part: set(EventAccumulator(str(folder / part)).Reload().Tags()["tensors"])
        for part in ("train", "validation")
    }
    assert "epoch_loss" in tags["train"]
    assert {"epoch_mean_iou", "epoch_pedestrian"} <= tags["validation"]


def test_a_folder_that_holds_a_run_is_not_overwritten(run: Run) -> None:
    before = (run.config.out / WEIGHTS_FILE).read_bytes()
    with pytest.raises(ConfigError, match="holds a run already; add --resume"):
        train(run.config)
    assert (run.config.out / WEIGHTS_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"batch": 61}, ConfigError, "batch is 61, but an epoch has 60 samples"),
        ({"class_weights": (1.0, 2.0)}, ConfigError, "2 class weights for the classes background, road,"),
        (
            {"class_map": "two", "demo_share": 0.1},
            ConfigError,
            "demo_share is 0.1, but the demo source draws background, .*; the data has still, moving: leave",
        ),
        ({"class_map": "other"}, DataError, "no map 'other'; there are: road-vehicle-pedestrian, two"),
        ({"net": "lite_mobilnet"}, ConfigError, "unknown net 'lite_mobilnet'"),
        ({"hold_out": ("*",)}, ConfigError, r"bright: hold_out \* leaves no picture"),
        (
            {"teacher": "street-m", "class_map": "two"},
            ConfigError,
            "teacher street-m knows .*; the data has still",
        ),
        ({"teacher": "street-x"}, ModelError, "unknown model 'street-x'"),
        ({"init": "street-x"}, ModelError, "unknown model 'street-x'"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_before_it_starts(
    bright: Path, tmp_path: Path, wrong: dict[str, Any], error: type[RtsegError], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(little(bright, tmp_path / "run", **wrong))
    assert not (tmp_path / "run").exists()


def test_data_sets_of_different_classes_are_refused(bright: Path, tmp_path: Path) -> None:
    other = write_bright(tmp_path / "other")
    toml = (other / "dataset.toml").read_text(encoding="utf-8")
    (other / "dataset.toml").write_text(toml.replace("vehicle = [", "car = ["), encoding="utf-8")
    with pytest.raises(DataError, match=r"bright and .*other have different classes .*vehicle.*; .*car"):
        train(little(bright, tmp_path / "run", data={bright: 1, other: 1}))


def test_without_pictures_to_validate_on_there_is_no_training(tmp_path: Path) -> None:
    root = write_bright(tmp_path / "bright")
    (root / "val").rename(tmp_path / "val")
    with pytest.raises(ConfigError, match="no split 'val', nor in another"):
        train(little(root, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_validating_on_nothing_but_background_is_refused(tmp_path: Path) -> None:
    root = write_bright(tmp_path / "bright")
    for path in (root / "val" / "labels").iterdir():
        cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))
    with pytest.raises(DataError, match="'val' holds nothing but background"):
        train(little(root, tmp_path / "run"))


@pytest.mark.parametrize("out", ["file", "file/run", "/proc/run"])
def test_an_output_that_cannot_be_written_is_named(bright: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=f"{out}: cannot be written"):
        train(little(bright, tmp_path / out))


def test_the_card_says_what_pupils_have_learned_from(tmp_path: Path) -> None:
    """The training itself ends at a picture that breaks: only its card is looked at."""
    root = write_bright(tmp_path / "bright")
    for path in (root / "train" / "images").iterdir():
        path.write_bytes(b"no picture")
    config = little(root, tmp_path / "run", teacher="street-m", demo_share=0.2, auxiliary=0.4)
    with pytest.raises(DataError, match=r"\.png: cannot be read as a picture"):
        train(config)
    learned_from = read_card(tmp_path / "run" / CARD_FILE).training_data
    assert {part.name for part in learned_from} == {"bright", "rtseg's demo source"} | {
        part.name for part in find_model("street-m").card.training_data
    }


def test_a_net_of_another_stride_learns_from_a_teacher_and_says_its_stride(tmp_path: Path) -> None:
    root = write_bright(tmp_path / "bright")
    config = little(root, tmp_path / "run", data={root: 1}, epochs=1, net="unet_plain2", teacher="street-m")
    train(config)
    assert read_card(tmp_path / "run" / CARD_FILE).output.stride == 1
    assert 0 < log_of(tmp_path / "run")[0]["loss"] < 100


@pytest.mark.parametrize(
    ("weights", "said"),
    [("imagenet", "ImageNet (encoder weights)"), ("mine.h5", "mine.h5 (encoder weights)")],
)
def test_the_card_says_what_the_encoder_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str, said: str
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setitem(SOURCES, "five", Source("http://127.0.0.1:9/five.h5"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/five.h5").touch()  # found, and of little_runs' encoder nobody reads it
    root = write_bright(tmp_path / "bright")
    start = {"encoder_weights": weights, "encoder_license": "CC0"}
    train(little(root, tmp_path / "run", data={root: 1}, epochs=1, **start))
    card = read_card(tmp_path / "run" / CARD_FILE)
    assert [(part.name, part.license) for part in card.training_data] == [("bright", "MIT"), (said, "CC0")]


def test_a_broken_picture_met_while_training_is_named(tmp_path: Path) -> None:
    root = write_bright(tmp_path / "broken", val=1)
    config = little(root, tmp_path / "run", data={root: 1})
    batches = TrainingBatches(config, training_shares(config, [open_data_set(root, config.class_map)]))
    # Keras looks at two batches before it begins: the picture is of the third.
    assert batches.drawn[-1] is not None
    broken = batches.drawn[-1][1].image_path
    broken.write_bytes(b"no picture")
    with pytest.raises(DataError, match=rf"{broken.name}: cannot be read"):
        train(config)
