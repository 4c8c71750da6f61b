"""What tests of offline processing share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtseg.segmenter import Segmenter, load


@pytest.fixture(scope="module")
def segmenter(tiny_model: Path) -> Iterator[Segmenter]:
    with load(str(tiny_model), mode="offline") as opened:
        yield opened
