"""One training that went through, for all who look at what it left."""

from __future__ import annotations

from pathlib import Path

import pytest
from little_runs import Run, little, write_bright

from rtseg.training.fit import train


@pytest.fixture(scope="session")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that can be learned; nobody writes into it."""
    return write_bright(tmp_path_factory.mktemp("data") / "bright")


@pytest.fixture(scope="session")
def run(bright: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing interrupted; nobody writes into its folder."""
    config = little(bright, tmp_path_factory.mktemp("runs") / "My First Run", command="rtseg train")
    return Run(config, train(config))
