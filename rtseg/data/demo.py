"""Labelled pictures of the demo source: as many streets as there are seeds."""

from __future__ import annotations

import numpy as np

from rtseg.frame import Size, UInt8Array
from rtseg.video.demo.scene import DemoScene

TRAINED_SEEDS = 1_000_000
"""Scenes of seeds below this may be trained on; evaluation takes its own from here on."""

_UNSEEN_SIZE: Size = (1280, 720)
_TRAINING_SIZES: tuple[Size, ...] = ((640, 360), (800, 450), (640, 480))
_TRAINING_MINUTES = 10


def unseen_sample(number: int) -> tuple[UInt8Array, UInt8Array]:
    """The scene of this number that no training has seen -> (image RGB, class map) at 1280x720."""
    return _render(_UNSEEN_SIZE, TRAINED_SEEDS + number, seconds=7.0 * number)


def training_sample(rng: np.random.Generator) -> tuple[UInt8Array, UInt8Array]:
    """Any scene that may be trained on, at any moment -> (image RGB, class map)."""
    size = _TRAINING_SIZES[rng.integers(len(_TRAINING_SIZES))]
    return _render(size, int(rng.integers(TRAINED_SEEDS)), seconds=rng.uniform(0, _TRAINING_MINUTES * 60))


def _render(size: Size, seed: int, seconds: float) -> tuple[UInt8Array, UInt8Array]:
    picture_bgr, truth = DemoScene(size, seed).render(seconds)
    return np.ascontiguousarray(picture_bgr[..., ::-1]), truth
