"""An interruption loses one epoch at the most, whenever it comes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from little_runs import Run, little, log_of

from rtseg.card import CARD_FILE, WEIGHTS_FILE
from rtseg.errors import ConfigError, TrainingError
from rtseg.training.config import CONFIG_FILE, TrainConfig, load_config
from rtseg.training.fit import train
from rtseg.training.resume import epochs_done

START = """
import sys
sys.path.insert(0, sys.argv[1])
from little_runs import little
from pathlib import Path
from rtseg.training.fit import train
train(little(Path(sys.argv[2]), Path(sys.argv[3])))
"""


@pytest.fixture(scope="module")
def killed(bright: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A run that a SIGKILL ended as soon as the checkpoint of its first epoch was whole."""
    config = little(bright, tmp_path_factory.mktemp("killed") / "run")
    helpers = Path(__file__).parents[1]
    command = [sys.executable, "-c", START, str(helpers), str(bright), str(config.out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole = config.out / "checkpoint/training_metadata.json"
    try:
        deadline = time.monotonic() + 250
        while not (whole.exists() and whole.read_text()):
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline, "no checkpoint came"
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    return config


@pytest.fixture
def copied(killed: TrainConfig, tmp_path: Path) -> TrainConfig:
    """The killed run, to do with as one likes."""
    shutil.copytree(killed.out, tmp_path / "run")
    return killed.model_copy(update={"out": tmp_path / "run"})


def test_a_killed_run_goes_on_as_if_nothing_had_happened(copied: TrainConfig, run: Run) -> None:
    assert [row["epoch"] for row in log_of(copied.out)] == [0]
    with pytest.raises(ConfigError, match="holds a run already; add --resume"):
        train(copied)
    # Its folder says all that it needs to go on.
    best = train(load_config(copied.out / CONFIG_FILE, {"out": copied.out}), resume=True)
    rows, expected = log_of(copied.out), log_of(run.config.out)
    assert [row["epoch"] for row in rows] == [0, 1]
    assert rows[0]["loss"] == pytest.approx(expected[0]["loss"], rel=0.02)
    assert rows[1]["loss"] == pytest.approx(expected[1]["loss"], rel=0.05)
    assert rows[1]["learning_rate"] == expected[1]["learning_rate"]
    assert best["mean_iou"] == pytest.approx(run.best["mean_iou"], abs=0.05)
    assert not (copied.out / "checkpoint").exists()


def test_a_loss_that_is_no_number_ends_the_run_and_the_best_weights_stay(copied: TrainConfig) -> None:
    best, log = (copied.out / "best.json").read_bytes(), (copied.out / "log.csv").read_bytes()
    weights = (copied.out / WEIGHTS_FILE).read_bytes()
    with pytest.raises(TrainingError, match=r"the loss became \S+ at step \d+ of epoch 2; .* --resume"):
        train(copied.model_copy(update={"learning_rate": 1e30}), resume=True)
    assert (copied.out / WEIGHTS_FILE).read_bytes() == weights
    assert ((copied.out / "best.json").read_bytes(), (copied.out / "log.csv").read_bytes()) == (best, log)
    assert epochs_done(copied.out, 2) == 1


@pytest.mark.parametrize("other", [{"net": "lite_five"}, {"freeze": "encoder"}], ids=str)
def test_a_checkpoint_of_another_training_is_refused(copied: TrainConfig, other: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="checkpoint: is no checkpoint of this net, or damaged; go on with"):
        train(copied.model_copy(update=other), resume=True)
    assert epochs_done(copied.out, 2) == 1


def test_resuming_a_run_that_is_done_changes_nothing(run: Run) -> None:
    before = {path: path.read_bytes() for path in run.config.out.rglob("*") if path.is_file()}
    assert train(run.config, resume=True) == run.best
    assert {path: path.read_bytes() for path in run.config.out.rglob("*") if path.is_file()} == before


def test_a_finished_run_cannot_be_made_longer(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.config.out, tmp_path / "run")
    longer = run.config.model_copy(update={"out": tmp_path / "run", "epochs": 5})
    with pytest.raises(ConfigError, match=r"is finished after 2 epochs, so it cannot go on to 5; .*--init"):
        train(longer, resume=True)


def checkpoint_of(epoch: int, out: Path, *, ending: str = "") -> None:
    (out / "checkpoint").mkdir(parents=True, exist_ok=True)
    (out / f"checkpoint/latest.weights.h5{ending}").write_text(f"weights of epoch {epoch}")
    metadata = json.dumps({"epoch": epoch, "batch": 0})
    (out / f"checkpoint/training_metadata.json{ending}").write_text(metadata)


def rows_of(epochs: int, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    rows = ["epoch,loss", *(f"{epoch},0.5" for epoch in range(epochs))]
    (out / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def killed_before_it_began(out: Path) -> None:
    out.mkdir()


def killed_in_the_first_epoch(out: Path) -> None:
    out.mkdir()
    (out / CARD_FILE).touch()


def killed_before_the_first_checkpoint(out: Path) -> None:
    rows_of(1, out)


def killed_in_the_first_checkpoint(out: Path) -> None:
    rows_of(1, out)
    (out / "checkpoint").mkdir()
    (out / "checkpoint/latest.weights.h5").write_text("weigh")


def killed_as_the_first_checkpoint_was_almost_done(out: Path) -> None:
    rows_of(1, out)
    checkpoint_of(1, out)
    (out / "checkpoint/training_metadata.json").write_text("")


def killed_in_the_third_epoch(out: Path) -> None:
    rows_of(2, out)
    checkpoint_of(2, out)


def killed_before_the_third_checkpoint(out: Path) -> None:
    rows_of(3, out)
    checkpoint_of(2, out)
    checkpoint_of(1, out, ending=".bkp")


def killed_as_the_third_checkpoint_was_almost_done(out: Path) -> None:
    rows_of(3, out)
    checkpoint_of(3, out)
    checkpoint_of(2, out, ending=".bkp")
    (out / "checkpoint/training_metadata.json").write_text('{"epo')


def killed_at_its_very_end(out: Path) -> None:
    rows_of(5, out)


@pytest.mark.parametrize(
    ("make", "done"),
    [
        (killed_before_it_began, 0),
        (killed_in_the_first_epoch, 0),
        (killed_before_the_first_checkpoint, 0),
        (killed_in_the_first_checkpoint, 0),
        (killed_as_the_first_checkpoint_was_almost_done, 0),
        (killed_in_the_third_epoch, 2),
        (killed_before_the_third_checkpoint, 2),
        (killed_as_the_third_checkpoint_was_almost_done, 2),
        (killed_at_its_very_end, 5),
    ],
)
def test_whenever_the_kill_comes_log_and_checkpoint_agree(
    tmp_path: Path, make: Callable[[Path], None], done: int
) -> None:
    out = tmp_path / "run"
    make(out)
    for _ in range(2):  # the second time after an interruption of the resumed run, at once
        assert epochs_done(out, 5) == done
        rows = (out / "log.csv").read_text(encoding="utf-8").splitlines() if done else []
        assert rows == (["epoch,loss", *(f"{epoch},0.5" for epoch in range(done))] if done else [])
        assert (out / "log.csv").exists() == bool(done)
        if 0 < done < 5:
            assert (out / "checkpoint/latest.weights.h5").read_text() == f"weights of epoch {done}"
            assert json.loads((out / "checkpoint/training_metadata.json").read_text())["epoch"] == done
        else:
            assert not (out / "checkpoint").exists()
