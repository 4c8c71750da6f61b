"""Maps of dataset.toml: classes, merged labels and colours; contradictions are refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.data.data_set import DataSet, open_data_set
from rtseg.errors import DataError
from rtseg.labels import IGNORE, PALETTE, merged
from rtseg.video.sinks import palette_png

HEAD = 'name = "x"\nlicense = "MIT"\n'
RAW = "[raw]\n" + "".join(f'{index} = "{name}"\n' for index, name in enumerate("abcdefgh"))


def opened(root: Path, text: str) -> DataSet:
    root.mkdir(exist_ok=True)
    (root / "dataset.toml").write_text(HEAD + text, encoding="utf-8")
    return open_data_set(root, "m")


def loaded(root: Path, text: str, label: np.ndarray | bytes) -> np.ndarray:
    """The class map of a label file that is written as a picture or as bytes."""
    data_set = opened(root, text)
    for folder in ("images", "labels"):
        (root / "train" / folder).mkdir(parents=True, exist_ok=True)
    data = label if isinstance(label, bytes) else cv2.imencode(".png", label)[1].tobytes()
    (root / "train/labels/a.png").write_bytes(data)
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    cv2.imwrite(str(root / "train/images/a.png"), np.zeros((height, width, 3), np.uint8))
    return data_set.load(data_set.samples("train")[0])[1]


@pytest.mark.parametrize(
    ("keys", "classes"),
    [
        (["road", "car"], ("road", "car")),
        (["road", "car|person", "tree"], ("road", "tree", "car", "person")),
        (["person", "car|person", "car"], ("person", "car")),
        (["b|a", "c"], ("c", "b", "a")),
        (["x", "b | a", "a|b"], ("x", "b", "a")),
        (["road", "ignore"], ("road",)),
    ],
)
def test_classes_are_the_keys_and_then_those_that_are_only_merged(
    tmp_path: Path, keys: list[str], classes: tuple[str, ...]
) -> None:
    targets = "".join(f'"{key}" = ["{raw}"]\n' for key, raw in zip(keys, "abcdefgh", strict=False))
    assert opened(tmp_path, f"{RAW}[maps.m]\n{targets}").classes == classes


def test_a_merged_key_labels_its_pixels_with_all_of_its_classes(tmp_path: Path) -> None:
    text = f'{RAW}[maps.m]\nroad = ["a"]\n"car|person" = ["b"]\nperson = ["c"]\nignore = ["d"]\n'
    label = np.array([[0, 1, 2, 3]], np.uint8)
    # Classes are road, person, car.
    assert loaded(tmp_path, text, label).tolist() == [[0, merged((2, 1)), 1, IGNORE]]


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ('road = ["a"]\n"car|" = ["b"]', "key 'car|' makes no sense"),
        ('road = ["a"]\n"car|car" = ["b"]', "key 'car|car' makes no sense"),
        ('road = ["a"]\n"car|ignore" = ["b"]', "key 'car|ignore' makes no sense"),
        ('"" = ["a"]', "key '' makes no sense"),
        ("".join(f'{name} = ["{name}"]\n' for name in "abcdef") + '"a|z" = ["g"]', "has 7 of them"),
        ('ignore = ["a"]', "has 0 classes"),
        ("".join(f"c{number} = []\n" for number in range(129)), "has 129 classes; expected 1 to 128"),
        ('road = ["a"]\n"road|car" = ["a"]', "names 'a' twice"),
    ],
)
def test_maps_that_make_no_sense_are_refused(tmp_path: Path, maps: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, f"{RAW}[maps.m]\n{maps}\n")
    assert message in str(caught.value)
    assert str(tmp_path / "dataset.toml") in str(caught.value)


def test_six_classes_can_be_merged(tmp_path: Path) -> None:
    keys = "".join(f'{name} = ["{name}"]\n' for name in "abcdef")
    label = np.array([[6, 5]], np.uint8)
    text = f'{RAW}[maps.m]\n{keys}"a|f" = ["g"]\n'
    assert loaded(tmp_path, text, label).tolist() == [[merged((0, 5)), 5]]


COLORS = '[colors]\n"#402020" = "road"\n"#FF0000" = "mark"\n"#0000ff" = "car"\n'
COLOR_MAP = '[maps.m]\nother = []\nroad = ["road", "mark"]\ncar = ["car"]\n'


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_stand_for_names(tmp_path: Path, channels: int) -> None:
    bgr = np.array([[(0x20, 0x20, 0x40), (0, 0, 255), (255, 0, 0)]], np.uint8)
    alpha = np.full((1, 3, 1), 128, np.uint8)
    label = np.dstack([bgr, alpha])[..., :channels]
    assert loaded(tmp_path, COLORS + COLOR_MAP, label).tolist() == [[1, 1, 2]]


def test_a_palette_picture_is_read_by_its_colours_where_colours_are_named(tmp_path: Path) -> None:
    data = palette_png(np.array([[1, 0]], np.uint8), [(255, 0, 0), (0, 0, 255)])
    assert loaded(tmp_path, COLORS + COLOR_MAP, data).tolist() == [[2, 1]]


def test_unknown_colours_are_told_in_hexadecimal_the_most_frequent_first(tmp_path: Path) -> None:
    label = np.full((4, 5, 3), (0x20, 0x20, 0x40), np.uint8)
    label[0, 0] = (1, 2, 3)
    label[1, :4] = (0xC, 0xB, 0xA)
    with pytest.raises(DataError, match=r"label colours #0a0b0c \(not under \[colors\]\): 4 pixels, #030201"):
        loaded(tmp_path, COLORS + COLOR_MAP, label)


def test_a_blurred_mask_does_not_list_all_of_its_colours(tmp_path: Path) -> None:
    label = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    with pytest.raises(DataError, match=r"and 15\d\d more") as caught:
        loaded(tmp_path, COLORS + COLOR_MAP, label)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (COLORS + RAW + COLOR_MAP, "needs one of [raw]"),
        (COLOR_MAP, "needs one of [raw]"),
        ("ignore_index = 255\n" + COLORS + COLOR_MAP, "ignore_index is a label id"),
        (COLORS.replace("#402020", "402020") + COLOR_MAP, "expected a colour like '#402020'"),
        (COLORS.replace("#402020", "#40202") + COLOR_MAP, "expected a colour like '#402020'"),
        (COLORS.replace("#402020", "#ff0000") + COLOR_MAP, "[colors] has one entry twice"),
        (COLORS.replace('"mark"', '"road"') + COLOR_MAP, "[colors] gives one name to two entries"),
        (COLORS + COLOR_MAP.replace('"car"', '"bus"'), "names 'bus', which [colors] does not list"),
        (
            RAW.replace("1 =", "01 =").replace("2 =", "1 =") + "[maps.m]\nx = []\n",
            "[raw] has one entry twice",
        ),
    ],
)
def test_contradictions_about_colours_and_ids_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, text)
    assert message in str(caught.value)


def test_class_maps_that_rtseg_writes_are_labels(tmp_path: Path) -> None:
    class_map = np.random.default_rng(1).integers(0, 4, (9, 7), np.uint8)
    keys = "".join(f'{name} = ["{name}"]\n' for name in "abcd")
    found = loaded(tmp_path, f"{RAW}[maps.m]\n{keys}", palette_png(class_map, PALETTE))
    np.testing.assert_array_equal(found, class_map)


def test_a_palette_of_many_equal_colours_still_gives_the_indices(tmp_path: Path) -> None:
    indices = np.arange(8, dtype=np.uint8).reshape(2, 4)
    keys = "".join(f'{name} = ["{name}"]\n' for name in "abcdefgh")
    data = palette_png(indices, [(0, 0, 0)] * 8)
    np.testing.assert_array_equal(loaded(tmp_path, f"{RAW}[maps.m]\n{keys}", data), indices)


def test_grey_of_fewer_bits_is_refused_and_not_spread(tmp_path: Path) -> None:
    label = np.array([[0, 1] * 8], np.uint8)
    data = cv2.imencode(".png", label * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()
    assert data[24] == 1  # really one bit a pixel
    with pytest.raises(DataError, match="has 1 bits a pixel; labels need 8"):
        loaded(tmp_path, f'{RAW}[maps.m]\nx = ["a", "b"]\n', data)
