"""Feature maps of other sizes: exact averages of regions, and the same bilinear upsampling as everywhere."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rtseg.nets.resizing import AverageBins, Repeat, StretchTo


def features(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(6, 6), (12, 18), (8, 12), (5, 7), (4, 3), (1, 1), (44, 60)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_bins_average_exactly_also_where_they_cut_pixels(bins: int, size: tuple[int, int]) -> None:
    x = features(*size)
    # Each pixel as bins x bins smaller ones: now every border of a bin lies between two.
    fine = x.repeat(bins, axis=1).repeat(bins, axis=2)
    blocks = fine.reshape(2, bins, size[0], bins, size[1], 3)
    averages = keras.ops.convert_to_numpy(AverageBins(bins, name="bins")(x))
    np.testing.assert_allclose(averages, blocks.mean(axis=(2, 4)), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (6, 6), (8, 12)])
@pytest.mark.parametrize("to_size", [(8, 12), (13, 31), (44, 60)])
def test_maps_are_stretched_as_class_maps_are(size: tuple[int, int], to_size: tuple[int, int]) -> None:
    x = features(*size)
    stretched = StretchTo(name="up")([x, np.zeros((1, *to_size, 9), np.float32)])
    expected = keras.ops.image.resize(x, to_size, interpolation="bilinear")
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (stretched, expected)), atol=1e-4)


def test_to_its_own_size_a_map_stays_as_it_is() -> None:
    x = features(7, 5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(StretchTo(name="up")([x, x])), x, atol=1e-6)


@pytest.mark.parametrize("size", [2, (4, 3)])
def test_pixels_are_repeated_as_keras_does(size: int | tuple[int, int]) -> None:
    x = features(3, 5)
    ours, theirs = Repeat(size, name="up")(x), keras.layers.UpSampling2D(size)(x)
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (ours, theirs)))


def test_shapes_are_known_as_far_as_the_sizes_are() -> None:
    open_size, fixed = keras.Input((None, None, 8)), keras.Input((10, 20, 5))
    assert AverageBins(3, name="bins")(open_size).shape == (None, 3, 3, 8)
    assert StretchTo(name="up")([open_size, fixed]).shape == (None, 10, 20, 8)
    assert StretchTo(name="up")([fixed, open_size]).shape == (None, None, None, 5)
    assert Repeat(2, name="repeat")(fixed).shape == (None, 20, 40, 5)
