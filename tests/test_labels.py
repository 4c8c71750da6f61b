"""Class names and their colours."""

from __future__ import annotations

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
