"""The expected calibration error, against figures computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtseg.labels import IGNORE
from rtseg.metrics.calibration import BINS, calibration_counts, expected_calibration_error, reliability


def row(*values: float, dtype: type = np.uint8) -> np.ndarray:
    return np.array([values], dtype)


def test_an_error_computed_by_hand() -> None:
    truth = row(1, 1, 1, 0, 1, IGNORE)
    prediction = row(1, 1, 0, 1, 1, 1)
    counts = calibration_counts(truth, prediction, row(0.95, 0.97, 0.5, 0.52, 0.51, 1.0, dtype=np.float32), 2)
    low, high = reliability(counts)
    assert low == pytest.approx(((0.5 + 0.52 + 0.51) / 3, 1 / 3, 3 / 5), abs=1e-6)
    assert high == pytest.approx((0.96, 1.0, 2 / 5), abs=1e-6)
    assert expected_calibration_error(counts) == pytest.approx(
        3 / 5 * (0.51 - 1 / 3) + 2 / 5 * 0.04, abs=1e-6
    )


def test_counts_of_frames_add_up_to_those_of_all_pixels() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 3, (2, 6, 50), np.uint8)
    confidence = rng.random((6, 50), np.float32)
    parts = [calibration_counts(truth[i], prediction[i], confidence[i], 3) for i in range(6)]
    np.testing.assert_allclose(sum(parts), calibration_counts(truth, prediction, confidence, 3), rtol=1e-6)


def test_honest_confidences_have_no_error_and_false_ones_have_all() -> None:
    rng = np.random.default_rng(0)
    confidence = np.full((100, 1000), 0.7, np.float32)
    right = rng.random(confidence.shape) < 0.7
    zeros = np.zeros(confidence.shape, np.uint8)
    honest = calibration_counts(zeros, np.uint8(~right), confidence, 2)
    assert expected_calibration_error(honest) < 0.01
    certain_and_wrong = calibration_counts(zeros, zeros + 1, np.ones_like(confidence), 2)
    assert expected_calibration_error(certain_and_wrong) == 1


def test_edges_belong_to_the_bin_below_and_rounding_past_one_to_the_last() -> None:
    zeros = np.zeros((1, 3), np.uint8)
    counts = calibration_counts(zeros, zeros, row(0.0, 0.2, 1.0000001, dtype=np.float32), 2)
    assert np.flatnonzero(counts[0]).tolist() == [0, 2, BINS - 1]


def test_nothing_counted_is_not_a_number() -> None:
    nothing = np.full((2, 2), IGNORE, np.uint8)
    assert math.isnan(
        expected_calibration_error(calibration_counts(nothing, nothing, np.ones((2, 2), np.float32), 2))
    )
