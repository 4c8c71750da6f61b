"""What a training is told is checked before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtseg.errors import ConfigError
from rtseg.training.config import TrainConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch": -1},
        {"learning_rate": 0.0},
        {"demo_share": 1.0},
        {"ema": 1.0},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_option_that_makes_no_sense_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    name = next(iter(wrong)).replace("_", ".")
    with pytest.raises(ConfigError, match=name):
        TrainConfig(tmp_path, tmp_path, **wrong)
