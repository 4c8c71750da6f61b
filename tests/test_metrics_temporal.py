"""Class maps carried along the optical flow: what moves with the picture has not changed."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from rtseg import metrics
from rtseg.metrics.temporal import FlowEstimator, flip_rate, warped_confusion

HEIGHT, WIDTH = 120, 200


def flow(right: float, down: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 2), (right, down), np.float32)


def texture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 5, WIDTH // 5), np.uint8)
    return cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def half_map() -> np.ndarray:
    class_map = np.zeros((HEIGHT, WIDTH), np.uint8)
    class_map[:, WIDTH // 2 :] = 1
    return class_map


def test_what_moves_with_the_flow_has_not_flipped_and_what_came_into_view_is_left_out() -> None:
    earlier = half_map()
    later = np.roll(earlier, 10, axis=1)
    confusion = warped_confusion(earlier, later, flow(10, 0), flow(-10, 0), 2)
    # The left 10 columns were outside the earlier frame.
    assert confusion.tolist() == [[(WIDTH // 2) * HEIGHT, 0], [0, (WIDTH // 2 - 10) * HEIGHT]]
    assert flip_rate(confusion) == 0


def test_what_stays_while_the_picture_moves_has_flipped() -> None:
    confusion = warped_confusion(half_map(), half_map(), flow(10, 0), flow(-10, 0), 2)
    assert confusion[0, 1] == 10 * HEIGHT
    assert flip_rate(confusion) == pytest.approx(10 / (WIDTH - 10))


def test_pixels_that_do_not_come_back_are_left_out() -> None:
    forward = flow(0, 0)
    forward[:, :50] = (0, 3)
    confusion = warped_confusion(half_map(), half_map(), forward, flow(0, 0), 2)
    assert confusion.sum() == (WIDTH - 50) * HEIGHT
    nothing = warped_confusion(half_map(), half_map(), flow(0, 9), flow(0, 9), 2)
    assert nothing.sum() == 0
    assert math.isnan(flip_rate(nothing))


def test_the_estimated_flow_follows_a_moving_picture() -> None:
    earlier, later = texture(), np.roll(texture(), (2, 6), axis=(0, 1))
    estimate = FlowEstimator()
    forward, backward = estimate(earlier, later), estimate(later, earlier)
    np.testing.assert_allclose(np.median(forward, axis=(0, 1)), [6, 2], atol=0.2)
    moved = np.roll(half_map(), (2, 6), axis=(0, 1))
    followed = warped_confusion(half_map(), moved, forward, backward, 2)
    assert followed.sum() > 0.75 * HEIGHT * WIDTH
    assert flip_rate(followed) < 0.01
    still = warped_confusion(half_map(), half_map(), forward, backward, 2)
    assert flip_rate(still) > 2 * flip_rate(followed) + 0.01
    assert metrics.mean_iou(followed) > metrics.mean_iou(still)


def test_most_of_a_cut_cannot_be_followed() -> None:
    estimate = FlowEstimator()
    before, after = texture(1), texture(2)
    confusion = warped_confusion(half_map(), half_map(), estimate(before, after), estimate(after, before), 2)
    assert confusion.sum() < 0.5 * HEIGHT * WIDTH
