"""The loss: what it rewards, what it does not see."""

from __future__ import annotations

import numpy as np
import pytest

from rtseg.labels import IGNORE
from rtseg.training.losses import SegmentationLoss

CLASSES = 4


def loss(truth: np.ndarray, logits: np.ndarray, weights: tuple[float, ...] = (1.0,) * CLASSES) -> float:
    return float(SegmentationLoss(weights)(truth, logits))


def one_hot(class_map: np.ndarray, certainty: float = 20.0) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[class_map % CLASSES] * certainty


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, CLASSES, (2, 16, 24)).astype(np.uint8)


def test_perfect_logits_cost_next_to_nothing_and_wrong_ones_much(truth: np.ndarray) -> None:
    assert 0 <= loss(truth, one_hot(truth)) < 1e-3
    assert loss(truth, one_hot(truth + 1)) > 5


def test_the_less_is_right_the_more_it_costs(truth: np.ndarray) -> None:
    said = truth.copy()
    costs = []
    for rows in (0, 4, 8, 16):
        said[:, :rows] = truth[:, :rows] + 1
        costs.append(loss(truth, one_hot(said, 4.0)))
    assert costs == sorted(costs)
    assert costs[0] < costs[-1] / 4


def test_ignored_pixels_have_no_influence(truth: np.ndarray) -> None:
    hidden = np.zeros(truth.shape, bool)
    hidden[:, 3:9, 5:20] = True
    logits = np.random.default_rng(1).normal(size=(*truth.shape, CLASSES)).astype(np.float32)
    other = np.where(hidden[..., None], 7 * logits[::-1] + 3, logits).astype(np.float32)
    ignoring = np.where(hidden, IGNORE, truth).astype(np.uint8)
    assert loss(ignoring, other) == pytest.approx(loss(ignoring, logits), rel=1e-6)
    assert loss(truth, other) != pytest.approx(loss(truth, logits), rel=1e-2)


def test_nothing_but_ignored_pixels_costs_nothing() -> None:
    nothing = np.full((1, 8, 8), IGNORE, np.uint8)
    logits = np.random.default_rng(1).normal(size=(1, 8, 8, CLASSES)).astype(np.float32)
    assert loss(nothing, logits) == pytest.approx(0, abs=1e-6)


def test_a_heavier_class_costs_more_when_missed(truth: np.ndarray) -> None:
    missed = np.where(truth == 3, 0, truth)
    even = loss(truth, one_hot(missed, 6.0))
    assert loss(truth, one_hot(missed, 6.0), (1, 1, 1, 8)) > 1.5 * even
    assert loss(truth, one_hot(missed, 6.0), (1, 8, 1, 1)) < even


def test_logits_at_stride_four_meet_labels_at_full_size() -> None:
    blocks = np.kron(np.arange(4).reshape(1, 2, 2), np.ones((1, 16, 16), int))
    small = blocks[:, ::4, ::4]
    right, turned = loss(blocks, one_hot(small)), loss(blocks, one_hot(small[:, ::-1]))
    # Only the soft borders between the blocks cost anything.
    assert right < 0.5
    assert turned > 5


def test_more_logits_at_once_cost_their_mean_not_their_sum(truth: np.ndarray) -> None:
    logits = np.random.default_rng(1).normal(size=(*truth.shape, CLASSES)).astype(np.float32)
    twice = loss(np.concatenate([truth, truth]), np.concatenate([logits, logits]))
    assert twice == pytest.approx(loss(truth, logits), rel=0.01)
