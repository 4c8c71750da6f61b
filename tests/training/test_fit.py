"""Real trainings, tiny ones: what they leave, and that an interruption loses nothing."""

from __future__ import annotations

import csv
import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtseg.card import CARD_FILE, WEIGHTS_FILE, read_card
from rtseg.data.data_set import open_data_set
from rtseg.errors import ConfigError, DataError
from rtseg.export.onnx import load_keras
from rtseg.labels import CLASSES
from rtseg.nets import build
from rtseg.training.callbacks import Validation
from rtseg.training.config import TrainConfig
from rtseg.training.fit import train

START = """
import sys
sys.path.insert(0, sys.argv[1])
from test_fit import little
from pathlib import Path
from rtseg.training.fit import train
train(little(Path(sys.argv[2]), Path(sys.argv[3])))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, write_data_set: Callable[..., Path]) -> Path:
    return write_data_set(tmp_path_factory.mktemp("data") / "little")


def little(data: Path, out: Path, **changes: Any) -> TrainConfig:
    """Six pictures, of which a frozen encoder sees two at a time: as small as a training can be."""
    config = TrainConfig(
        data, out, "lite_mobilenetv2x05", freeze="encoder", epochs=2, batch=2, size=(64, 64), demo_share=0.0
    )
    return replace(config, **changes)


def log_of(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, dict[str, float]]:
    """A run that went through without an interruption, and what it returned."""
    config = little(data, tmp_path_factory.mktemp("runs") / "My First Run", command="rtseg train")
    return config, train(config)


def test_a_run_leaves_a_model_folder_that_lacks_only_its_onnx_file(
    run: tuple[TrainConfig, dict[str, float]],
) -> None:
    config, _ = run
    left = {path.name for path in config.out.iterdir()}
    assert left == {WEIGHTS_FILE, CARD_FILE, "log.csv", "best.json"}
    card = read_card(config.out / CARD_FILE)
    assert (card.name, card.net, card.classes) == ("my-first-run", "lite_mobilenetv2x05", CLASSES)
    assert (card.input.width, card.input.height) == (64, 64)
    assert [(part.name, part.license) for part in card.training_data] == [("little", "MIT")]
    assert card.training_command == "rtseg train"
    network = load_keras(config.out)
    assert np.isfinite(network.predict_on_batch(np.zeros((1, 64, 64, 3), np.uint8))).all()


def test_the_log_has_a_row_an_epoch_and_the_best_is_one_of_them(
    run: tuple[TrainConfig, dict[str, float]],
) -> None:
    config, best = run
    rows = log_of(config.out)
    assert [row["epoch"] for row in rows] == [0, 1]
    assert all(math.isfinite(row["loss"]) and row["loss"] > 0 for row in rows)
    assert best == json.loads((config.out / "best.json").read_text(encoding="utf-8"))
    assert best["mean_iou"] == max(row["val_mean_iou"] for row in rows)
    assert set(CLASSES) <= set(best)


def test_a_folder_that_holds_a_run_is_not_overwritten(run: tuple[TrainConfig, dict[str, float]]) -> None:
    config, _ = run
    before = (config.out / WEIGHTS_FILE).read_bytes()
    with pytest.raises(ConfigError, match="holds a run already; add --resume"):
        train(config)
    assert (config.out / WEIGHTS_FILE).read_bytes() == before


@pytest.fixture
def killed(data: Path, tmp_path: Path) -> TrainConfig:
    """A run that a SIGKILL ended as soon as the checkpoint of its first epoch was whole."""
    config = little(data, tmp_path / "run")
    command = [sys.executable, "-c", START, str(Path(__file__).parent), str(config.data), str(config.out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    whole = config.out / "checkpoint/training_metadata.json"
    try:
        deadline = time.monotonic() + 200
        while not (whole.exists() and whole.read_text()):
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline, "no checkpoint came"
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    return config


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    killed: TrainConfig, run: tuple[TrainConfig, dict[str, float]]
) -> None:
    with pytest.raises(ConfigError, match="--resume"):
        train(killed)
    best = train(killed, resume=True)
    rows, expected = log_of(killed.out), log_of(run[0].out)
    assert [row["epoch"] for row in rows] == [0, 1]
    assert rows[1]["loss"] == pytest.approx(expected[1]["loss"], rel=0.02)
    assert best["mean_iou"] == pytest.approx(run[1]["mean_iou"], abs=0.02)
    assert not (killed.out / "checkpoint").exists()


def test_resuming_a_run_that_is_done_changes_nothing(
    run: tuple[TrainConfig, dict[str, float]], tmp_path: Path
) -> None:
    config, best = run
    rows = log_of(config.out)
    assert train(config, resume=True) == best
    assert log_of(config.out) == rows


def test_pictures_of_several_sizes_are_validated(
    data: Path, tmp_path: Path, picture: Callable[..., np.ndarray]
) -> None:
    sizes = ((64, 64), (96, 64), (70, 50))
    pairs = [(picture(size, 1), np.zeros(size[::-1], np.uint8)) for size in sizes]
    validation = Validation(open_data_set(data, "all"), pairs, tmp_path)
    validation.set_model(build("lite_mobilenetv2x05", classes=2))
    logs: dict[str, float] = {}
    validation.on_epoch_end(0, logs)
    assert 0 <= logs["val_still"] <= 1


def test_a_broken_picture_met_while_training_is_named(
    tmp_path: Path, write_data_set: Callable[..., Path]
) -> None:
    root = write_data_set(tmp_path / "broken", val=1)
    config = little(root, tmp_path / "run")
    # Keras looks at two batches before it begins: the picture is of the third.
    order = np.random.default_rng((config.seed, 0)).permutation(6)
    broken = root / f"train/images/{order[-1]:02}.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(DataError, match=rf"{broken.name}: cannot be read"):
        train(config)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (50, 64)},
        {"size": (0, 0)},
        {"batch": 7},
        {"class_weights": (1.0, 2.0)},
        {"class_map": "other"},
        {"net": "lite_mobilnet"},
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_before_it_starts(
    data: Path, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises((ConfigError, DataError)):
        train(little(data, tmp_path / "run", **wrong))
    assert not (tmp_path / "run").exists()
