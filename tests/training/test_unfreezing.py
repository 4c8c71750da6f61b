"""What is frozen stays as it is, and learns from the epoch on that was asked for; also when interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from little_runs import little, log_of

from rtseg.training import fit
from rtseg.training.callbacks import Log
from rtseg.training.config import CONFIG_FILE, TrainConfig, load_config

EPOCHS = 4


class Interruption(Exception):
    """Comes before the checkpoint of an epoch."""


class State(NamedTuple):
    """Of a training at the end of an epoch."""

    encoder: list[np.ndarray]
    decoder: list[np.ndarray]
    learning: int
    steps: int


class Witness(Log):
    """A log that also remembers what was trained, and ends the training in the epochs (from 0) it is told."""

    seen: dict[int, State]
    interrupted: list[int]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.seen.setdefault(-1, self.state())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if epoch in self.interrupted:
            self.interrupted.remove(epoch)
            raise Interruption
        self.seen[epoch] = self.state()

    def state(self) -> State:
        weights: dict[bool, list[np.ndarray]] = {True: [], False: []}
        for layer in self.model.network.layers:
            weights[layer.name.startswith("five")] += layer.get_weights()
        steps = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        return State(weights[True], weights[False], len(self.model.trainable_variables), steps)


def watched(config: TrainConfig, *interrupted: int) -> dict[int, State]:
    """Train, go on after each interruption -> the states at the end of epochs (from 0; -1: before)."""

    class Watch(Witness):
        seen: dict[int, State] = {}  # noqa: RUF012

    Watch.interrupted = list(interrupted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "Log", Watch)
        for _ in interrupted:
            with pytest.raises(Interruption):
                fit.train(config, resume=config.out.exists())
        fit.train(
            load_config(config.out / CONFIG_FILE, {"out": config.out}) if interrupted else config,
            resume=bool(interrupted),
        )
    return Watch.seen


def configured(bright: Path, out: Path) -> TrainConfig:
    changes = {
        "data": {bright: 2},
        "freeze": "encoder",
        "unfreeze_after": 2,
        "epochs": EPOCHS,
        "keep": "last",
    }
    return little(bright, out, **changes)


@pytest.fixture(scope="module")
def straight(bright: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, dict[int, State]]:
    config = configured(bright, tmp_path_factory.mktemp("straight") / "run")
    return config, watched(config)


def same(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def check(seen: dict[int, State]) -> None:
    assert set(seen) == {-1, *range(EPOCHS)}
    assert [same(seen[epoch].encoder, seen[-1].encoder) for epoch in range(EPOCHS)] == [
        True,
        True,
        False,
        False,
    ]
    for epoch in range(EPOCHS):
        assert not same(seen[epoch].decoder, seen[epoch - 1].decoder)
    assert not same(seen[2].encoder, seen[3].encoder)


def test_the_encoder_learns_only_after_the_epochs_that_were_asked_for(
    straight: tuple[TrainConfig, dict[int, State]],
) -> None:
    config, seen = straight
    check(seen)
    # Six steps an epoch; the optimizer begins anew with all that learns.
    assert [seen[epoch].steps for epoch in range(EPOCHS)] == [6, 12, 6, 12]
    assert [seen[epoch].learning - seen[-1].learning for epoch in range(EPOCHS)] == [0, 0, 10, 10]
    rates = [row["learning_rate"] for row in log_of(config.out)]
    assert rates[0] > rates[1] > rates[2] > rates[3]
    assert rates[2] == pytest.approx(rates[1] / 2, rel=0.2)  # half way down from where it stood


def test_interrupted_on_either_side_of_the_unfreezing_it_goes_on_the_same(
    bright: Path, tmp_path: Path, straight: tuple[TrainConfig, dict[int, State]]
) -> None:
    config = configured(bright, tmp_path / "run")
    seen = watched(config, 2, 3)
    check(seen)
    expected_config, expected = straight
    for epoch in range(EPOCHS):
        assert (seen[epoch].learning, seen[epoch].steps) == (expected[epoch].learning, expected[epoch].steps)
        for some, others in zip(seen[epoch], expected[epoch], strict=True):
            if isinstance(some, list):
                for one, other in zip(some, others, strict=True):
                    np.testing.assert_allclose(one, other, atol=1e-3)
    rates, expected_rates = (
        [row["learning_rate"] for row in log_of(each.out)] for each in (config, expected_config)
    )
    assert rates == expected_rates
