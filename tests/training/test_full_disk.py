"""What cannot be written is named, and what was written before stays whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
from little_runs import little

from rtseg.card import WEIGHTS_FILE
from rtseg.errors import SinkError
from rtseg.labels import CLASSES
from rtseg.training.callbacks import Checkpoint, Log, Validation
from rtseg.training.network import TrainingNetwork
from rtseg.training.pictures import draw_curves
from rtseg.training.resume import epochs_done

FullDisk = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def full_disk() -> FullDisk:
    """full_disk(bytes): no file of this process grows over that many, which is as good as a full disk."""
    if sys.platform == "win32":
        pytest.skip("needs resource limits")
    import resource

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TrainingNetwork:
    folder = tmp_path_factory.mktemp("nothing")
    network = TrainingNetwork(little(folder, folder), len(CLASSES), (1.0,) * len(CLASSES))
    network.compile(optimizer=keras.optimizers.AdamW())
    network.optimizer.build(network.trainable_variables)
    return network


def test_the_best_weights_stay_when_better_ones_cannot_be_written(
    tmp_path: Path, model: TrainingNetwork, full_disk: FullDisk
) -> None:
    pairs = [(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.uint8))]
    validate = Validation(CLASSES, pairs, tmp_path)
    validate.set_model(model)
    validate.on_epoch_end(0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {WEIGHTS_FILE, "best.json"}
    validate.best = {"mean_iou": -1.0}  # whatever comes is better
    with full_disk(20_000), pytest.raises(SinkError, match=rf"{WEIGHTS_FILE}: cannot be written .*--resume"):
        validate.on_epoch_end(1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_that_cannot_be_written_is_no_checkpoint(
    tmp_path: Path, model: TrainingNetwork, full_disk: FullDisk
) -> None:
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1.5\n")
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.set_model(model)
    with full_disk(20_000), pytest.raises(SinkError, match=r"checkpoint: cannot be written .*--resume"):
        checkpoint.on_epoch_begin(1)
    assert epochs_done(tmp_path, 5) == 0
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1.5\n1,1.2\n")
    checkpoint.on_epoch_begin(1)
    with full_disk(20_000), pytest.raises(SinkError, match="checkpoint: cannot be written"):
        checkpoint.on_epoch_begin(2)
    assert epochs_done(tmp_path, 5) == 1
    checkpoint.on_train_begin()
    assert model._initial_epoch == 1


def test_a_row_that_cannot_be_written_names_the_log(tmp_path: Path, full_disk: FullDisk) -> None:
    log = Log(tmp_path / "log.csv")
    log.on_epoch_end(0, {"loss": 1.5, "val_mean_iou": 0.25})
    with full_disk(10), pytest.raises(SinkError, match=r"log\.csv: cannot be written"):
        log.on_epoch_end(1, {"loss": 1.2, "val_mean_iou": 0.5})
    assert (tmp_path / "log.csv").read_text() == "epoch,loss,val_mean_iou\n0,1.5,0.25\n"


def test_curves_that_cannot_be_written_leave_the_old_ones(tmp_path: Path, full_disk: FullDisk) -> None:
    log, curves = tmp_path / "log.csv", tmp_path / "curves.png"
    log.write_text("epoch,loss,val_mean_iou\n0,1.5,0.25\n")
    draw_curves(log, curves)
    before = curves.read_bytes()
    log.write_text("epoch,loss,val_mean_iou\n0,1.5,0.25\n1,1.2,0.5\n")
    with full_disk(1000), pytest.raises(SinkError, match=r"curves\.png: cannot be written"):
        draw_curves(log, curves)
    assert curves.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "curves.png"}
