"""The losses: equal to their formulas, and blind to what shall not count."""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np
import pytest

from rtseg.labels import IGNORE, merged
from rtseg.training.losses import SegmentationLoss, distillation_loss

CLASSES = 4
RATE = 1000.0
EVEN = (1.0,) * CLASSES


def loss(
    truth: np.ndarray,
    logits: np.ndarray,
    weights: tuple[float, ...] = EVEN,
    *,
    focal: float = 0.0,
    dice: float = 0.5,
) -> float:
    value = SegmentationLoss(weights, focal=focal, dice=dice)(truth, logits)
    return float(keras.ops.convert_to_numpy(value))


def distillation(teacher: np.ndarray, student: np.ndarray) -> float:
    return float(keras.ops.convert_to_numpy(distillation_loss(teacher, student)))


class Logits(keras.Model):
    """Logits that are all that is trained: one step of SGD goes along their gradient, on every backend."""

    def __init__(self, logits: np.ndarray, loss_function: SegmentationLoss) -> None:
        super().__init__()
        self.logits = self.add_weight(
            shape=logits.shape, dtype="float32", initializer="zeros", name="logits", trainable=True
        )
        self.logits.assign(logits)
        self.loss_function = loss_function
        self.built = True

    def call(self, x: Any) -> Any:
        return self.logits + 0.0 * keras.ops.sum(keras.ops.cast(x, "float32"))

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Any:
        return self.loss_function(y, y_pred)


def gradient(truth: np.ndarray, logits: np.ndarray, **options: float) -> np.ndarray:
    model = Logits(logits, SegmentationLoss(EVEN, **options))
    model.compile(optimizer=keras.optimizers.SGD(RATE), run_eagerly=True)
    model.train_on_batch(np.zeros((len(truth), 1), np.float32), truth)
    return np.asarray(logits - keras.ops.convert_to_numpy(model.logits)) / RATE


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))


def one_hot(class_map: np.ndarray, certainty: float = 20.0) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[class_map % CLASSES] * certainty


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, CLASSES, (2, 16, 24)).astype(np.uint8)


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(1).normal(scale=3, size=(2, 16, 24, CLASSES)).astype(np.float32)


@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize("weights", [EVEN, (1.0, 2.0, 0.5, 4.0)])
def test_the_cross_entropy_is_that_of_the_formula(
    truth: np.ndarray, logits: np.ndarray, weights: tuple[float, ...], scale: int
) -> None:
    logits = logits * np.float32(scale)
    truth[:, :3] = IGNORE
    counted = truth != IGNORE
    classes = np.where(counted, truth, 0)
    likelihood = np.take_along_axis(log_softmax(logits), classes[..., None].astype(int), axis=-1)[..., 0]
    weight = np.array(weights)[classes] * counted
    expected = -(weight * likelihood).sum() / (weight.sum() + 1)
    assert loss(truth, logits, weights, dice=0) == pytest.approx(expected, rel=1e-5)


def test_logits_at_stride_four_are_upsampled_as_evaluation_does(truth: np.ndarray) -> None:
    small = np.random.default_rng(1).normal(scale=3, size=(2, 4, 6, CLASSES)).astype(np.float32)
    large = np.stack([cv2.resize(each, (24, 16), interpolation=cv2.INTER_LINEAR) for each in small])
    assert loss(truth, small) == pytest.approx(loss(truth, large), rel=1e-5)


@pytest.mark.parametrize("group", [(2, 3), (0, 2, 3)])
def test_a_merged_label_counts_with_the_sum_of_its_probabilities(
    logits: np.ndarray, group: tuple[int, ...]
) -> None:
    truth = np.full(logits.shape[:3], merged(group), np.uint8)
    probability = np.exp(log_softmax(logits))[..., list(group)].sum(axis=-1)
    expected = -np.log(probability).sum() / (truth.size + 1)
    assert loss(truth, logits, dice=0) == pytest.approx(expected, rel=1e-5)
    within = logits.copy()
    within[..., list(group)] = within[..., list(reversed(group))]
    assert loss(truth, within, dice=0) == pytest.approx(loss(truth, logits, dice=0), rel=1e-6)


def test_a_merged_label_does_not_say_which_of_its_classes(logits: np.ndarray) -> None:
    truth = np.zeros(logits.shape[:3], np.uint8)
    truth[:, 5] = merged((2, 3))
    pulled = gradient(truth, logits, dice=0.5)[:, 5]
    # Whatever gives the two together more raises both in the measure of what they have already.
    probability = np.exp(log_softmax(logits[:, 5]))
    share = probability[..., 2] / (probability[..., 2] + probability[..., 3])
    np.testing.assert_allclose(pulled[..., 2], (pulled[..., 2] + pulled[..., 3]) * share, atol=1e-8)
    assert (pulled[..., 2:] <= 0).all()


@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_ignored_pixels_have_no_gradient_and_no_influence(
    truth: np.ndarray, logits: np.ndarray, focal: float
) -> None:
    hidden = np.zeros(truth.shape, bool)
    hidden[:, 3:9, 5:20] = True
    ignoring = np.where(hidden, IGNORE, truth).astype(np.uint8)
    slope = gradient(ignoring, logits, focal=focal, dice=0.5)
    assert (slope[hidden] == 0).all()
    assert (slope[~hidden] != 0).any(axis=-1).all()
    other = np.where(hidden[..., None], 7 * logits[::-1] + 3, logits).astype(np.float32)
    assert loss(ignoring, other, focal=focal) == pytest.approx(loss(ignoring, logits, focal=focal), rel=1e-6)
    assert loss(truth, other, focal=focal) != pytest.approx(loss(truth, logits, focal=focal), rel=1e-2)


def test_nothing_but_ignored_pixels_costs_nothing(logits: np.ndarray) -> None:
    nothing = np.full(logits.shape[:3], IGNORE, np.uint8)
    assert loss(nothing, logits) == pytest.approx(0, abs=1e-6)
    assert loss(nothing, logits, focal=2) == pytest.approx(0, abs=1e-6)


def test_the_focal_loss_turns_to_what_is_still_wrong(truth: np.ndarray) -> None:
    # Half of the pixels are right already, the others wrong.
    said = one_hot(np.where(np.arange(24) < 12, truth, truth + 1), 2.0)
    plain, focal = (np.abs(gradient(truth, said, focal=exponent, dice=0)) for exponent in (0, 2))
    easy, hard = (slice(None), slice(None), slice(0, 12)), (slice(None), slice(None), slice(12, 24))
    assert focal[easy].sum() / focal[hard].sum() < 0.3 * plain[easy].sum() / plain[hard].sum()
    assert focal[hard].mean() > plain[hard].mean()


def test_the_focal_loss_is_that_of_the_formula(truth: np.ndarray, logits: np.ndarray) -> None:
    likelihood = np.take_along_axis(log_softmax(logits), truth[..., None].astype(int), axis=-1)
    weight = np.clip(1 - np.exp(likelihood), 1e-4, 1) ** 2
    expected = -(weight * likelihood).sum() / (weight.sum() + 1)
    assert loss(truth, logits, focal=2, dice=0) == pytest.approx(expected, rel=1e-4)


def test_dice_is_that_of_the_formula(truth: np.ndarray, logits: np.ndarray) -> None:
    truth[:, :4] = merged((1, 2))
    truth[:, 4:6] = IGNORE
    probability = np.exp(log_softmax(logits))[:, 6:]
    right = np.eye(CLASSES)[truth[:, 6:]]
    overlap = (probability * right).sum(axis=(0, 1, 2))
    area = probability.sum(axis=(0, 1, 2)) + right.sum(axis=(0, 1, 2))
    expected = 1 - np.mean((2 * overlap + 1) / (area + 1))
    found = (loss(truth, logits, dice=2) - loss(truth, logits, dice=0)) / 2
    assert found == pytest.approx(expected, abs=1e-5)


def test_perfect_logits_cost_next_to_nothing_and_wrong_ones_much(truth: np.ndarray) -> None:
    assert 0 <= loss(truth, one_hot(truth)) < 1e-3
    assert loss(truth, one_hot(truth + 1)) > 5


def test_a_heavier_class_costs_more_when_missed(truth: np.ndarray) -> None:
    missed = np.where(truth == 3, 0, truth)
    even = loss(truth, one_hot(missed, 6.0))
    assert loss(truth, one_hot(missed, 6.0), (1, 1, 1, 8)) > 1.5 * even
    assert loss(truth, one_hot(missed, 6.0), (1, 8, 1, 1)) < even


def test_more_logits_at_once_cost_their_mean_not_their_sum(truth: np.ndarray, logits: np.ndarray) -> None:
    twice = loss(np.concatenate([truth, truth]), np.concatenate([logits, logits]))
    assert twice == pytest.approx(loss(truth, logits), rel=0.01)


@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_extreme_logits_have_a_gradient_that_still_pulls(truth: np.ndarray, focal: float) -> None:
    truth[:, 0] = merged((0, 3))
    truth[:, 1] = IGNORE
    extreme = one_hot(np.where(truth < CLASSES, truth + 1, 1), 100.0) - 50.0
    assert np.isfinite(loss(truth, extreme, focal=focal))
    slope = gradient(truth, extreme, focal=focal, dice=0.5)
    assert np.isfinite(slope).all()
    wrong = truth < CLASSES
    towards = np.take_along_axis(slope[wrong], truth[wrong][:, None].astype(int), axis=-1)
    assert (towards < -1e-4).all()


def test_equal_opinions_are_no_distance(logits: np.ndarray) -> None:
    assert distillation(logits, logits) == pytest.approx(0, abs=1e-6)
    # Logits have no zero: what is added to all of a pixel's says nothing.
    shifted = logits + np.random.default_rng(2).normal(size=(*logits.shape[:3], 1)).astype(np.float32) * 9
    assert distillation(logits, shifted) == pytest.approx(0, abs=1e-5)
    assert distillation(shifted, 2 * logits) == pytest.approx(distillation(logits, 2 * logits), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2, 4])
def test_a_teacher_of_another_stride_is_brought_to_the_students(logits: np.ndarray, factor: float) -> None:
    height, width = logits.shape[1:3]
    own = np.stack([cv2.resize(each, None, fx=factor, fy=factor) for each in logits[::-1]])
    seen = np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in own])
    assert own.shape[1:3] != (height, width)
    assert distillation(own, logits) == pytest.approx(distillation(seen, logits), rel=1e-4)


def test_other_opinions_are_a_distance_that_is_that_of_the_formula(logits: np.ndarray) -> None:
    other = logits[::-1].copy()
    teacher, student = log_softmax(logits / 2), log_softmax(other / 2)
    expected = 4 * (np.exp(teacher) * (teacher - student)).sum(axis=-1).mean()
    assert expected > 1
    assert distillation(logits, other) == pytest.approx(expected, rel=1e-5)
    assert 0 < distillation(logits, 0.9 * logits + 0.1 * other) < expected
