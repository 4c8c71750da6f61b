"""Augmentation: the same from the same seed, and never moves a picture from under its labels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtseg.labels import BACKGROUND, IGNORE, merged
from rtseg.training.augmentation import augment, change_light, degrade, move_camera

SIZE = (96, 64)
COLOURS = np.array([[10, 20, 30], [200, 40, 40], [40, 200, 90], [60, 80, 220]], np.uint8)
seeds = st.integers(0, 2**32 - 1)


def scene(width: int = 160, height: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """A picture whose colour says the class, of patches large enough that few pixels lie on borders."""
    patches = np.random.default_rng(3).integers(0, len(COLOURS), (3, 4)).astype(np.uint8)
    class_map = cv2.resize(patches, (width, height), interpolation=cv2.INTER_NEAREST)
    return COLOURS[class_map], class_map


@settings(max_examples=25)
@given(
    seeds,
    st.sampled_from([(96, 64), (64, 96), (200, 150)]),
    st.sampled_from([(160, 120), (50, 90), (800, 600)]),
)
def test_labels_move_with_the_picture(seed: int, size: tuple[int, int], source: tuple[int, int]) -> None:
    image, class_map = scene(*source)
    moved, labels = move_camera(image, class_map, size, np.random.default_rng(seed))
    assert moved.shape == (size[1], size[0], 3)
    assert labels.shape == (size[1], size[0])
    distance = np.linalg.norm(moved[..., None, :].astype(int) - COLOURS.astype(int), axis=-1)
    # Interpolation mixes colours along the borders: only what lies inside its patch is compared.
    inside = cv2.erode((labels != IGNORE).astype(np.uint8), np.ones((5, 5)), borderValue=0) > 0
    for index in range(len(COLOURS)):
        border = cv2.morphologyEx((labels == index).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
        inside &= border == 0
    assert inside.any()
    assert np.mean(distance.argmin(axis=-1)[inside] == labels[inside]) >= 0.98


@settings(max_examples=25)
@given(seeds)
def test_a_sample_has_the_size_asked_for_and_no_new_labels(seed: int) -> None:
    image, class_map = scene()
    changed, labels = augment(image, class_map, SIZE, np.random.default_rng(seed))
    assert changed.shape == (64, 96, 3)
    assert labels.shape == (64, 96)
    assert changed.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) <= set(np.unique(class_map)) | {IGNORE, BACKGROUND}
    assert (labels != IGNORE).any()


def test_what_is_drawn_much_smaller_is_averaged() -> None:
    """A fine pattern of black and white is grey from afar, and no coarse pattern."""
    rows, columns = np.indices((1200, 1600))
    pattern = ((rows + columns) % 2 * 255).astype(np.uint8)
    image = np.stack([pattern] * 3, axis=-1)
    for seed in range(10):
        moved, labels = move_camera(image, np.zeros_like(pattern), SIZE, np.random.default_rng(seed))
        inside = cv2.erode((labels != IGNORE).astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        assert np.abs(moved[inside].astype(int) - 127).max() <= 2


def test_labels_that_are_no_classes_stay_what_they_are() -> None:
    """Numbers between two labels would mean something else."""
    image, class_map = scene()
    special = np.array([merged((2, 3)), IGNORE, merged((0, 1)), 3], np.uint8)[class_map]
    seen: set[int] = set()
    for seed in range(30):
        _, labels = move_camera(image, special, SIZE, np.random.default_rng(seed))
        _, classes = move_camera(image, class_map, SIZE, np.random.default_rng(seed))
        inside = classes != IGNORE
        expected = np.array([merged((2, 3)), IGNORE, merged((0, 1)), 3])[np.where(inside, classes, 1)]
        np.testing.assert_array_equal(labels, expected)
        seen |= set(np.unique(augment(image, special, SIZE, np.random.default_rng(seed))[1]).tolist())
    assert seen == {merged((2, 3)), merged((0, 1)), 3, IGNORE, BACKGROUND}


def test_a_calm_sample_has_neither_bonnet_nor_weather() -> None:
    image, class_map = scene()
    class_map += 1  # no background, which is what bonnets are
    bonnets = unpainted = 0
    for seed in range(60):
        calm, calm_labels = augment(image, class_map, SIZE, np.random.default_rng(seed), calm=True)
        rng = np.random.default_rng(seed)
        expected, labels = move_camera(image, class_map, SIZE, rng)
        np.testing.assert_array_equal(calm, degrade(change_light(expected, rng), rng))
        np.testing.assert_array_equal(calm_labels, labels)
        wild, wild_labels = augment(image, class_map, SIZE, np.random.default_rng(seed))
        bonnets += bool((wild_labels == BACKGROUND).any())
        rng = np.random.default_rng(seed)
        expected, _ = move_camera(image, class_map, SIZE, rng)
        rng.random(2)  # whether there shall be a bonnet, and weather
        unpainted += np.array_equal(wild, degrade(change_light(expected, rng), rng))
    assert 0 < bonnets < 20
    assert 20 < unpainted < 55


def test_the_same_generator_gives_the_same_sample_and_another_another() -> None:
    one, again, other = (augment(*scene(), SIZE, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])


def test_the_sources_are_left_as_they_were() -> None:
    image, class_map = scene()
    for seed in range(10):
        augment(image, class_map, SIZE, np.random.default_rng(seed))
    np.testing.assert_array_equal(image, scene()[0])
    np.testing.assert_array_equal(class_map, scene()[1])


def test_what_was_outside_the_picture_is_ignored_and_what_was_inside_is_not() -> None:
    image, class_map = scene()
    shares = [
        np.mean(move_camera(image, class_map, SIZE, np.random.default_rng(seed))[1] == IGNORE)
        for seed in range(60)
    ]
    assert min(shares) == 0
    assert 0.05 < max(shares) < 0.75


def test_flips_happen_about_half_the_time() -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    class_map = np.repeat(np.arange(96, dtype=np.uint8)[None], 64, axis=0)
    flipped = 0
    for seed in range(60):
        row = move_camera(image, class_map, SIZE, np.random.default_rng(seed))[1][32].astype(int)
        row = row[row != IGNORE]
        flipped += row[0] > row[-1]
    assert 15 <= flipped <= 45


@pytest.mark.parametrize("change", [change_light, degrade])
def test_light_and_camera_change_colours_but_move_nothing(change: object) -> None:
    image, class_map = scene()
    changed = [change(image, np.random.default_rng(seed)) for seed in range(20)]  # type: ignore[operator]
    assert any(not np.array_equal(picture, image) for picture in changed)
    assert all(picture.shape == image.shape and picture.dtype == np.uint8 for picture in changed)
    # Patches stay patches: within one the colours differ less than between them.
    for picture in changed[:5]:
        blurred = cv2.GaussianBlur(picture, (0, 0), 2).astype(float)
        within = np.mean([blurred[class_map == index].std(axis=0).mean() for index in range(len(COLOURS))])
        assert within < blurred.reshape(-1, 3).std(axis=0).mean()
