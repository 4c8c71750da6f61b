"""The machines that the doctor's tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from boards import orin, workstation

from rtseg.doctor.place import Place


@pytest.fixture
def jetson(tmp_path: Path) -> Place:
    return orin(tmp_path)


@pytest.fixture
def pc(tmp_path: Path) -> Place:
    return workstation(tmp_path)
