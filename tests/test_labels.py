"""Class names, their colours, and labels that leave several classes open."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from rtseg import labels


def test_the_known_classes_keep_their_colours_in_any_order_and_company() -> None:
    colours = labels.palette(["pedestrian", "sky", "road"])
    assert colours[0] == labels.PALETTE[labels.PEDESTRIAN]
    assert colours[2] == labels.PALETTE[labels.ROAD]
    assert labels.palette(labels.CLASSES) == labels.PALETTE


def test_unknown_classes_get_colours_that_differ() -> None:
    colours = labels.palette([f"class {number}" for number in range(12)])
    assert len(set(colours)) == 12
    assert all(0 <= part <= 255 for colour in colours for part in colour)


def test_no_class_has_the_number_of_ignored_pixels() -> None:
    numbers = (labels.BACKGROUND, labels.ROAD, labels.VEHICLE, labels.PEDESTRIAN)
    assert [labels.CLASSES[number] for number in numbers] == ["background", "road", "vehicle", "pedestrian"]
    assert labels.IGNORE not in numbers


@pytest.mark.parametrize("classes", range(2, labels.MOST_MERGEABLE + 1))
def test_a_merged_label_says_which_classes_it_merges(classes: int) -> None:
    every = [group for size in range(2, classes + 1) for group in combinations(range(classes), size)]
    numbers = {labels.merged(group): group for group in every}
    assert len(numbers) == len(every)
    for number, group in numbers.items():
        assert 128 <= number < labels.IGNORE
        assert labels.members(number, classes) == group


def test_a_class_has_itself_for_a_member_and_ignored_pixels_have_none() -> None:
    assert [labels.members(label, 4) for label in range(4)] == [(0,), (1,), (2,), (3,)]
    assert labels.members(labels.IGNORE, 4) == ()
    assert labels.members(4, 4) == labels.members(127, 4) == ()


def test_no_label_has_members_that_are_no_classes() -> None:
    for classes in (2, 4, 6, 19):
        assert all(set(labels.members(label, classes)) <= set(range(classes)) for label in range(256))


CAMVID = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "vehicle", "pedestrian")
# Machado, Oliveira and Fernandes 2009, severity 1: what a dichromat sees, in linear RGB.
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ]
    ),
}


def lab(colors: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """RGB 0 to 255 (N, 3) -> CIELAB (N, 3), D65, as this eye sees them."""
    part = colors / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz_of_rgb = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    relative = np.clip(linear @ eye.T, 0, 1) @ xyz_of_rgb.T / xyz_of_rgb.sum(axis=1)
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def least_distance(colors: np.ndarray, eye: np.ndarray) -> float:
    """CIE76 of the two that are nearest; 2.3 is just noticeable."""
    seen = lab(np.asarray(colors, float), eye)
    return min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2))


def tinted(colors: np.ndarray) -> np.ndarray:
    """Their chroma on a grey of the video, which is all that an overlay changes."""
    luma = colors @ (0.299, 0.587, 0.114)
    return np.clip(colors - luma[:, None] + 120, 0, 255)


@pytest.mark.parametrize("eye", EYES)
def test_the_colour_blind_safe_palette_is_so(eye: str) -> None:
    tints = np.array(labels.named_palette("colour-blind safe", labels.CLASSES)[1:], float)
    untinted = np.array([[120.0, 120.0, 120.0]])
    assert least_distance(tints, EYES[eye]) > 40
    assert least_distance(np.vstack([tinted(tints), untinted]), EYES[eye]) > 30
    assert least_distance(labels.named_palette("colour-blind safe", CAMVID), EYES[eye]) > 20


@pytest.mark.parametrize("name", labels.PALETTES)
def test_each_palette_works_for_any_classes(name: str) -> None:
    for classes in (
        labels.CLASSES,
        CAMVID,
        ("background", "road"),
        ("cat",),
        (),
        tuple(f"class {number}" for number in range(40)),
    ):
        colors = labels.named_palette(name, classes)
        assert len(colors) == len(classes)
        assert len(set(colors)) == len(classes)
        assert all(0 <= part <= 255 for color in colors for part in color)


@pytest.mark.parametrize("name", ["colour-blind safe", "bright", "rtseg"])
def test_known_classes_have_the_same_colours_in_any_company(name: str) -> None:
    usual = dict(zip(labels.CLASSES, labels.named_palette(name, labels.CLASSES), strict=True))
    colors = labels.named_palette(name, CAMVID)
    for known in ("road", "vehicle", "pedestrian"):
        assert colors[CAMVID.index(known)] == usual[known]


def test_an_unknown_palette_is_an_error() -> None:
    with pytest.raises(KeyError):
        labels.named_palette("nice", labels.CLASSES)
