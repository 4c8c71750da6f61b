"""The demo scene: reproducible, endless, varied, and true in its class map."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from rtseg.errors import ConfigError
from rtseg.labels import BACKGROUND, PEDESTRIAN, ROAD, VEHICLE
from rtseg.video.demo import actors
from rtseg.video.demo.actors import Person, Vehicle
from rtseg.video.demo.meshes import size_m
from rtseg.video.demo.scene import SMALLEST_SHARE, DemoScene
from rtseg.video.demo.world import dice, street_of

SMALL = (320, 180)


def shares(seed: int, seconds: float) -> np.ndarray:
    _, labels = DemoScene(SMALL, seed).render(seconds)
    return np.bincount(labels.ravel(), minlength=4) / labels.size


def test_a_moment_looks_the_same_in_any_order_and_in_any_scene_object() -> None:
    times = (0.0, 3.7, 3.72, 61.0, 5000.0)
    forward, backward = DemoScene(SMALL, 4), DemoScene(SMALL, 4)
    expected = {t: forward.render(t) for t in times}
    for t in reversed(times):
        picture, labels = backward.render(t)
        np.testing.assert_array_equal(picture, expected[t][0])
        np.testing.assert_array_equal(labels, expected[t][1])


def test_the_picture_alone_is_the_picture_of_render() -> None:
    scene = DemoScene(SMALL, 1)
    np.testing.assert_array_equal(scene.picture(12.3), scene.render(12.3)[0])


def test_a_picture_stays_as_it_is_when_the_next_is_drawn() -> None:
    scene = DemoScene(SMALL, 1)
    first = scene.picture(1.0)
    kept = first.copy()
    scene.picture(1.1)
    np.testing.assert_array_equal(first, kept)


def test_seeds_and_moments_differ() -> None:
    pictures = [DemoScene(SMALL, seed).picture(2.0).astype(int) for seed in range(6)]
    pictures += [DemoScene(SMALL, 5).picture(t).astype(int) for t in (30.0, 600.0, 86400.0)]
    for first, second in pairwise(pictures):
        assert np.abs(first - second).mean() > 5.0


def test_time_moves_the_scene_between_two_frames() -> None:
    scene = DemoScene(SMALL, 2)
    first, second = (scene.render(t)[1] for t in (8.0, 8.5))
    assert np.mean(first != second) > 0.002


@pytest.mark.parametrize(
    "size", [(64, 48), (16, 16), (17, 33), (641, 363), (360, 640), (900, 100), (1280, 720)]
)
def test_any_size(size: tuple[int, int]) -> None:
    picture, labels = DemoScene(size, 3).render(4.0)
    assert picture.shape == (size[1], size[0], 3)
    assert labels.shape == (size[1], size[0])
    assert picture.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {BACKGROUND, ROAD, VEHICLE, PEDESTRIAN}
    assert (labels == ROAD).mean() > 0.05


@pytest.mark.parametrize("size", [(15, 720), (1280, 15), (8193, 720), (1280, 8193), (0, 0), (-640, 480)])
def test_a_bad_size_says_what_to_do(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=rf"{size[0]}x{size[1]}.*16 to 8192.*try 1280x720"):
        DemoScene(size)


def test_class_shares_are_those_of_a_street() -> None:
    rng = np.random.default_rng(3)
    table = np.array([shares(seed, rng.uniform(0.0, 900.0)) for seed in range(40)])
    mean = table.mean(axis=0)
    assert 0.15 < mean[ROAD] < 0.45
    assert 0.02 < mean[VEHICLE] < 0.25
    assert 0.005 < mean[PEDESTRIAN] < 0.08
    assert (table[:, ROAD] > 0.08).all()
    # every class is there nearly always
    assert ((table > 0).mean(axis=0) > 0.85).all()


@pytest.mark.parametrize("label", [ROAD, VEHICLE, PEDESTRIAN])
def test_class_borders_lie_on_edges_of_the_picture(label: int) -> None:
    on_border, beside = [], []
    for seed in range(6):
        picture, labels = DemoScene((640, 360), seed).render(20.0)
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32), (3, 3), 0)
        edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        mask = (labels == label).astype(np.uint8)
        border = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        on_border.append(edges[border])
        beside.append(edges[np.roll(border, (6, 6), axis=(0, 1)) & ~border])
    assert np.concatenate(on_border).mean() > 1.4 * np.concatenate(beside).mean()


def alone(monkeypatch: pytest.MonkeyPatch, people: list[Person], vehicles: list[Vehicle]) -> DemoScene:
    """A scene with nobody in it but these."""
    monkeypatch.setattr(actors, "people", lambda street, seconds: iter(people))
    monkeypatch.setattr(actors, "vehicles", lambda street, seconds: iter(vehicles))
    return DemoScene((640, 360), 9)


@pytest.mark.parametrize("label", [VEHICLE, PEDESTRIAN])
def test_what_would_be_too_small_is_neither_drawn_nor_labelled(
    monkeypatch: pytest.MonkeyPatch, label: int
) -> None:
    empty, no_labels = alone(monkeypatch, [], []).render(0.0)
    assert not (no_labels == label).any()
    scene = DemoScene((640, 360), 9)
    street, eye_m = scene.street, scene.street.eye_along_m(0.0)

    def drawn(height_px: float) -> tuple[np.ndarray, np.ndarray]:
        tall = size_m("hatch", 0)[1] if label == VEHICLE else 1.72
        along = eye_m + street.focal * np.sqrt(640 * 360) * tall / height_px
        person = Person(street.ego_side_m, along, (0.0, 1.0), 0.0, 0.0, dice(0, 0, 0), cycling=True)
        half = 0.5 * size_m("hatch", 0)[2]
        car = Vehicle("hatch", 0, 0.45, street.ego_side_m, along + half, 1.0, True)
        people, vehicles = ([], [car]) if label == VEHICLE else ([person], [])
        return alone(monkeypatch, people, vehicles).render(0.0)

    picture, labels = drawn(0.95 * SMALLEST_SHARE * 360)
    np.testing.assert_array_equal(labels, no_labels)
    np.testing.assert_array_equal(picture, empty)
    picture, labels = drawn(1.5 * SMALLEST_SHARE * 360)
    assert (labels == label).sum() > 20
    assert (picture != empty).any(axis=2)[labels == label].mean() > 0.6


def test_a_near_person_hides_the_car_behind_and_the_car_hides_the_person_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = DemoScene((640, 360), 9).street
    eye_m = street.eye_along_m(0.0)
    car = Vehicle("van", 0, 0.1, street.ego_side_m, eye_m + 14.0, 1.0, True)

    def seen(ahead_m: float) -> int:
        someone = Person(
            street.ego_side_m, eye_m + ahead_m, (0.0, 1.0), 0.0, 0.0, dice(0, 0, 0), cycling=False
        )
        _, labels = alone(monkeypatch, [someone], [car]).render(0.0)
        return int((labels == PEDESTRIAN).sum())

    assert seen(9.0) > 200
    assert seen(22.0) == 0


@pytest.mark.parametrize("seed", range(4))
def test_nobody_walks_through_a_moving_car(seed: int) -> None:
    street = street_of(seed)
    for seconds in np.arange(0.0, 90.0, 0.5):
        cars = [car for car in actors.vehicles(street, seconds) if car.moving]
        for person in actors.people(street, seconds):
            if person.heading[1] == 0.0 and person.speed_mps > 0.0:
                for car in cars:
                    width, _, length = size_m(car.kind, car.variant)
                    beside = abs(car.side_m - person.side_m) > 0.5 * width
                    assert beside or abs(car.along_m - person.along_m) > 0.5 * length
