"""Painted weather: pictures change, their shape does not, and the bonnet takes its labels with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rtseg.labels import BACKGROUND, IGNORE, ROAD, merged
from rtseg.training.weather import WEATHERS, change_weather, paste_bonnet

SIZES = [(160, 120), (96, 64), (64, 96), (32, 32)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("weather", WEATHERS)
def test_a_weather_changes_the_picture_and_no_more(
    weather: str, size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    image = picture(size, 1)
    before = image.copy()
    for seed in range(8):
        changed, again = (WEATHERS[weather](image, np.random.default_rng(seed)) for _ in range(2))
        assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
        np.testing.assert_array_equal(changed, again)
        assert not np.array_equal(changed, image)
    np.testing.assert_array_equal(image, before)


def test_nights_are_dark_fog_is_flat_and_low_sun_glares(picture: Callable[..., np.ndarray]) -> None:
    image = picture((160, 120), 2)

    def mean_of(weather: str, figure: Callable[[np.ndarray], float]) -> float:
        changed = [WEATHERS[weather](image, np.random.default_rng(seed)) for seed in range(10)]
        return float(np.mean([figure(each) for each in changed]))

    assert mean_of("night", np.mean) < 0.75 * image.mean()
    assert mean_of("fog", lambda each: float(each[20:60].std())) < 0.7 * image[20:60].std()
    assert mean_of("shadows", np.mean) < image.mean()
    assert mean_of("low sun", np.max) > 250


def test_every_weather_comes_up(picture: Callable[..., np.ndarray]) -> None:
    image = picture((96, 64), 3)
    seen = set()
    for seed in range(40):
        changed = change_weather(image, np.random.default_rng(seed))
        for name, weather in WEATHERS.items():
            rng = np.random.default_rng(seed)
            rng.integers(len(WEATHERS))  # which one it shall be
            if np.array_equal(weather(image, rng), changed):
                seen.add(name)
    assert seen == set(WEATHERS)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_bonnet_is_background_where_it_is_painted_and_nothing_elsewhere(
    size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    image = picture(size, 4)
    class_map = np.full(size[::-1], ROAD, np.uint8)
    class_map[:, ::3] = IGNORE
    class_map[:, 1::3] = merged((2, 3))
    before = image.copy(), class_map.copy()
    covered = []
    for seed in range(30):
        painted, labels = paste_bonnet(image, class_map, np.random.default_rng(seed), label=BACKGROUND)
        assert (painted.shape, painted.dtype, labels.dtype) == (image.shape, np.uint8, np.uint8)
        under = labels == BACKGROUND
        np.testing.assert_array_equal(painted[~under], image[~under])
        np.testing.assert_array_equal(labels[~under], class_map[~under])
        if under.any():
            assert (painted[under] != image[under]).any(axis=-1).mean() > 0.9
            assert under[: size[1] // 2].sum() == 0
        covered.append(under.mean())
        again = paste_bonnet(image, class_map, np.random.default_rng(seed), label=BACKGROUND)
        np.testing.assert_array_equal(painted, again[0])
        np.testing.assert_array_equal(labels, again[1])
    assert 0.05 < np.mean(covered) < 0.3
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(class_map, before[1])
