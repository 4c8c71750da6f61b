"""Boundary IoU against a band drawn pixel by pixel, and what must not change it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from rtseg.labels import IGNORE
from rtseg.metrics.boundary import band_width, boundary_counts, boundary_iou

CLASSES = 3
SHAPE = (9, 12)
truths = nps.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, IGNORE]))
predictions = nps.arrays(np.uint8, SHAPE, elements=st.integers(0, CLASSES - 1))


def blobs(seed: int, size: tuple[int, int]) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8), np.uint8)
    return (cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC) // 86).astype(np.uint8)


def naive_band(class_map: np.ndarray, index: int, truth: np.ndarray, width: int) -> set[tuple[int, int]]:
    """Pixels of a class from which another class, or the outside, is at most `width` steps away."""
    height, columns = class_map.shape
    band = set()
    for row, column in np.argwhere((class_map == index) & (truth != IGNORE)).tolist():
        for other_row in range(row - width, row + width + 1):
            for other_column in range(column - width, column + width + 1):
                outside = not (0 <= other_row < height and 0 <= other_column < columns)
                if outside or (
                    class_map[other_row, other_column] != index and truth[other_row, other_column] != IGNORE
                ):
                    band.add((row, column))
    return band


def check_against_naive(truth: np.ndarray, prediction: np.ndarray) -> None:
    width = band_width((truth.shape[1], truth.shape[0]))
    counts = boundary_counts(truth, prediction, CLASSES)
    for index in range(CLASSES):
        true, called = (naive_band(each, index, truth, width) for each in (truth, prediction))
        assert counts[:, index].tolist() == [len(true & called), len(true | called)]


@pytest.mark.parametrize(("size", "pixels"), [((480, 360), 12), ((1920, 1080), 44), ((8, 6), 1)])
def test_the_band_is_two_percent_of_the_diagonal(size: tuple[int, int], pixels: int) -> None:
    assert band_width(size) == pixels


@settings(max_examples=40)
@given(truths, predictions)
def test_counts_equal_those_of_a_band_drawn_pixel_by_pixel(truth: np.ndarray, prediction: np.ndarray) -> None:
    check_against_naive(truth, prediction)


def test_wider_bands_are_drawn_alike() -> None:
    size = (120, 90)
    assert band_width(size) == 3
    truth = blobs(1, size)
    truth[20:40, 30:50] = IGNORE
    check_against_naive(truth, blobs(2, size))


@settings(max_examples=40)
@given(truths, predictions, predictions)
def test_what_is_predicted_on_ignored_pixels_changes_nothing(
    truth: np.ndarray, prediction: np.ndarray, other: np.ndarray
) -> None:
    changed = np.where(truth == IGNORE, other, prediction)
    np.testing.assert_array_equal(
        boundary_counts(truth, prediction, CLASSES), boundary_counts(truth, changed, CLASSES)
    )


def test_perfect_is_one_and_absent_is_not_a_number() -> None:
    truth = np.minimum(blobs(3, (120, 90)), 1)
    np.testing.assert_array_equal(boundary_iou(boundary_counts(truth, truth, CLASSES)), [1, 1, np.nan])


def test_a_blurred_outline_costs_more_than_in_the_plain_iou() -> None:
    truth, prediction = np.zeros((2, 200, 200), np.uint8)
    cv2.rectangle(truth, (40, 40), (160, 160), 1, cv2.FILLED)
    cv2.rectangle(prediction, (43, 43), (157, 157), 1, cv2.FILLED)
    plain = 115**2 / 121**2
    assert boundary_iou(boundary_counts(truth, prediction, 2))[1] < plain - 0.3
