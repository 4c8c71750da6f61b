"""Class names, their colours, and labels that leave several classes open."""

from __future__ import annotations

from itertools import combinations

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
