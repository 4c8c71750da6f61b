"""Confusion, IoU and means, against hand-computed figures and a naive implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from rtseg import metrics
from rtseg.labels import IGNORE

CLASSES = 4


def test_a_confusion_computed_by_hand() -> None:
    truth = np.array([[0, 0, 1, 1], [2, 2, IGNORE, IGNORE]], np.uint8)
    prediction = np.array([[0, 1, 1, 1], [2, 0, 1, 3]], np.uint8)
    confusion = metrics.confusion_matrix(truth, prediction, CLASSES)
    np.testing.assert_array_equal(confusion, [[1, 1, 0, 0], [0, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])
    # background 1 hit of 1+1+1; class 1 2 of 3; class 2 1 of 2; class 3 occurs nowhere.
    np.testing.assert_allclose(metrics.iou_per_class(confusion), [1 / 3, 2 / 3, 1 / 2, np.nan])
    assert metrics.mean_iou(confusion) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metrics.mean_iou(confusion, background=True) == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3)
    assert metrics.pixel_accuracy(confusion) == pytest.approx(4 / 6)


def test_a_class_only_predicted_counts_as_zero_not_as_absent() -> None:
    confusion = metrics.confusion_matrix(np.full((2, 2), 1, np.uint8), np.full((2, 2), 3, np.uint8), CLASSES)
    np.testing.assert_array_equal(metrics.iou_per_class(confusion), [np.nan, 0, np.nan, 0])
    assert metrics.mean_iou(confusion) == 0


def test_figures_of_no_pixels_are_not_a_number() -> None:
    nothing = np.full((3, 3), IGNORE, np.uint8)
    confusion = metrics.confusion_matrix(nothing, np.zeros((3, 3), np.uint8), CLASSES)
    assert confusion.sum() == 0
    assert math.isnan(metrics.mean_iou(confusion))
    assert math.isnan(metrics.pixel_accuracy(confusion))


SHAPE = (5, 6)
truths = nps.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, 3, IGNORE]))
predictions = nps.arrays(np.uint8, SHAPE, elements=st.integers(0, CLASSES - 1))


@given(truths, predictions)
def test_figures_equal_those_of_sets_of_pixels(truth: np.ndarray, prediction: np.ndarray) -> None:
    confusion = metrics.confusion_matrix(truth, prediction, CLASSES)
    counted = [(t, p) for t, p in zip(truth.ravel(), prediction.ravel(), strict=True) if t != IGNORE]
    ious = {}
    for index in range(CLASSES):
        true = {n for n, (t, _) in enumerate(counted) if t == index}
        called = {n for n, (_, p) in enumerate(counted) if p == index}
        if true | called:
            ious[index] = len(true & called) / len(true | called)
    expected = [ious.get(index, np.nan) for index in range(CLASSES)]
    np.testing.assert_allclose(metrics.iou_per_class(confusion), expected)
    foreground = [iou for index, iou in ious.items() if index > 0]
    np.testing.assert_allclose(metrics.mean_iou(confusion), np.mean(foreground) if foreground else np.nan)
    right = [t == p for t, p in counted]
    np.testing.assert_allclose(metrics.pixel_accuracy(confusion), np.mean(right) if right else np.nan)


@given(truths, predictions, predictions)
def test_what_is_predicted_on_ignored_pixels_changes_nothing(
    truth: np.ndarray, prediction: np.ndarray, other: np.ndarray
) -> None:
    changed = np.where(truth == IGNORE, other, prediction)
    np.testing.assert_array_equal(
        metrics.confusion_matrix(truth, prediction, CLASSES),
        metrics.confusion_matrix(truth, changed, CLASSES),
    )


def test_recall_and_precision_computed_by_hand() -> None:
    confusion = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.recall_per_class(confusion), [6 / 8, 3 / 4, np.nan])
    np.testing.assert_allclose(metrics.precision_per_class(confusion), [6 / 7, 3 / 5, np.nan])
