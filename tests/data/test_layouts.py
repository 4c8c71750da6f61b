"""Layouts: the files of each data set are found as its owner ships them, and the shipped maps fit them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.data.data_set import open_data_set
from rtseg.data.description import read_description, template
from rtseg.data.layouts import LAYOUTS, split_names
from rtseg.errors import DataError
from rtseg.labels import CLASSES, IGNORE, merged

MAP = "road-vehicle-pedestrian"
BACKGROUND, ROAD, VEHICLE, PEDESTRIAN = range(4)
ONE_OF_BOTH = merged((VEHICLE, PEDESTRIAN))


def write(path: Path, picture: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((8, 12, 3), 90, np.uint8) if picture is None else picture
    assert cv2.imwrite(str(path), picture)


def ids(values: Sequence[int]) -> np.ndarray:
    """(8, 12) uint8 with the values in columns."""
    return np.tile(np.resize(np.array(values, np.uint8), 12), (8, 1))


def describe(root: Path, layout: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.toml").write_text(template(layout), encoding="utf-8")


def names(root: Path, split: str) -> list[tuple[str, str]]:
    return [
        (sample.image_path.relative_to(root).as_posix(), sample.label_path.relative_to(root).as_posix())
        for sample in open_data_set(root, MAP).samples(split)
    ]


def first_map(root: Path, split: str, class_map: str = MAP) -> list[int]:
    """One row of the class map of a split's first sample."""
    data_set = open_data_set(root, class_map)
    found = data_set.load(data_set.samples(split)[0])[1]
    assert (found == found[0]).all()
    return [int(label) for label in found[0]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_has_a_description_that_can_be_trained(layout: str, tmp_path: Path) -> None:
    describe(tmp_path, layout)
    described = read_description(tmp_path)
    assert described.layout == layout
    assert described.license
    assert open_data_set(tmp_path, MAP).classes == CLASSES
    # Each raw name has a place in each map: nothing that the owner labels is an error.
    names = set((described.raw or described.colors).values())
    for targets in described.maps.values():
        assert {name for members in targets.values() for name in members} == names
    for class_map in described.maps:
        open_data_set(tmp_path, class_map)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_another_layout_has_no_splits(layout: str, tmp_path: Path) -> None:
    describe(tmp_path, layout)
    (tmp_path / "notes").mkdir()
    with pytest.raises(DataError, match="expected"):
        open_data_set(tmp_path, MAP).samples("train")
    if layout != "comma10k":
        with pytest.raises(DataError, match="no splits in it; expected"):
            _ = open_data_set(tmp_path, MAP).splits


def cityscapes(root: Path, kind: str, values: Sequence[int]) -> Path:
    for split, city, frame in (("train", "aachen", 0), ("train", "zurich", 19), ("val", "ulm", 7)):
        stem = f"{split}/{city}/{city}_{frame:06}_000019"
        write(root / f"leftImg8bit/{stem}_leftImg8bit.png")
        write(root / f"gtFine/{stem}_gtFine_{kind}.png", ids(values))
        write(root / f"gtFine/{stem}_gtFine_color.png")
        write(root / f"gtFine/{stem}_gtFine_instanceIds.png", ids([26]).astype(np.uint16))
        (root / f"gtFine/{stem}_gtFine_polygons.json").write_text("{}")
    write(root / "leftImg8bit/test/bonn/bonn_000000_000019_leftImg8bit.png")
    write(root / "leftImg8bit/train_extra/bern/bern_000000_000019_leftImg8bit.png")
    return root


def test_cityscapes(tmp_path: Path) -> None:
    root = cityscapes(tmp_path, "labelIds", [7, 8, 26, 24, 25, 33, 0, 1, 29])
    describe(root, "cityscapes")
    assert open_data_set(root, MAP).splits == ["train", "val"]
    assert names(root, "train") == [
        (f"leftImg8bit/train/{stem}_leftImg8bit.png", f"gtFine/train/{stem}_gtFine_labelIds.png")
        for stem in ("aachen/aachen_000000_000019", "zurich/zurich_000019_000019")
    ]
    assert len(names(root, "val")) == 1
    with pytest.raises(DataError, match=r"bonn_000000_000019_gtFine_labelIds\.png: missing"):
        names(root, "test")
    assert first_map(root, "val")[:9] == [
        ROAD, BACKGROUND, VEHICLE, PEDESTRIAN, PEDESTRIAN, ONE_OF_BOTH, IGNORE, IGNORE, VEHICLE,
    ]  # fmt: skip
    assert first_map(root, "val", "cityscapes19")[:9] == [0, 1, 13, 11, 12, 18, IGNORE, IGNORE, IGNORE]


def test_cityscapes_with_train_ids(tmp_path: Path) -> None:
    root = cityscapes(tmp_path, "labelTrainIds", [0, 1, 13, 11, 18, 255])
    describe(root, "cityscapes-train-ids")
    assert first_map(root, "train")[:6] == [ROAD, BACKGROUND, VEHICLE, PEDESTRIAN, ONE_OF_BOTH, IGNORE]
    assert first_map(root, "train", "cityscapes19")[:6] == [0, 1, 13, 11, 18, IGNORE]
    described = read_description(root)
    describe(root, "cityscapes")
    assert list(read_description(root).maps["cityscapes19"])[:19] == list(described.maps["cityscapes19"])


def test_bdd100k(tmp_path: Path) -> None:
    for split, stem in (("train", "0a0a0b1a-7c39d841"), ("val", "7d2f7975-e0c1c5a7")):
        write(tmp_path / f"images/10k/{split}/{stem}.jpg")
        write(tmp_path / f"labels/sem_seg/masks/{split}/{stem}.png", ids([0, 10, 16, 12, 17, 255]))
        write(tmp_path / f"labels/sem_seg/colormaps/{split}/{stem}.png")
    write(tmp_path / "images/10k/test/ac6d4f42-00000000.jpg")
    write(tmp_path / "images/100k/train/0000f77c-6257be58.jpg")
    describe(tmp_path, "bdd100k")
    assert open_data_set(tmp_path, MAP).splits == ["train", "val"]
    assert names(tmp_path, "val") == [
        ("images/10k/val/7d2f7975-e0c1c5a7.jpg", "labels/sem_seg/masks/val/7d2f7975-e0c1c5a7.png")
    ]
    assert first_map(tmp_path, "train")[:6] == [ROAD, BACKGROUND, VEHICLE, PEDESTRIAN, ONE_OF_BOTH, IGNORE]


def test_bdd100k_of_the_older_release(tmp_path: Path) -> None:
    for split, stem in (("train", "0a0a0b1a-7c39d841"), ("val", "7d2f7975-e0c1c5a7")):
        write(tmp_path / f"seg/images/{split}/{stem}.jpg")
        write(tmp_path / f"seg/labels/{split}/{stem}_train_id.png", ids([0]))
        write(tmp_path / f"seg/color_labels/{split}/{stem}_train_color.png")
    write(tmp_path / "seg/images/test/ac6d4f42-00000000.jpg")
    describe(tmp_path, "bdd100k")
    assert open_data_set(tmp_path, MAP).splits == ["train", "val"]
    assert names(tmp_path, "train") == [
        ("seg/images/train/0a0a0b1a-7c39d841.jpg", "seg/labels/train/0a0a0b1a-7c39d841_train_id.png")
    ]


COMMA10K_COLORS = {
    "road": 0x402020, "lane markings": 0xFF0000, "undrivable": 0x808060, "movable": 0x00FF66,
    "my car": 0xCC00FF, "movable in my car": 0x00CCFF,
}  # fmt: skip


def test_comma10k(tmp_path: Path) -> None:
    colors = np.array(list(COMMA10K_COLORS.values()))
    mask_bgr = np.stack([colors & 0xFF, colors >> 8 & 0xFF, colors >> 16], axis=-1).astype(np.uint8)
    mask_bgr = np.tile(mask_bgr, (8, 2, 1))
    stems = [f"000{n}_0085e9e41513078a_2018-08-19--13-26-08_11_86{n}" for n in range(8, 10)]
    for stem in (*stems, "0010_3ffcd8e0b1d7eb45_2018-07-03--12-20-50_2_9"):
        write(tmp_path / f"imgs/{stem}.png")
        write(tmp_path / f"masks/{stem}.png", mask_bgr)
    write(tmp_path / "imgs2/00000_e_20f59690c1da9379_2021-02-08--09-26-00_7_646.png")
    describe(tmp_path, "comma10k")
    assert open_data_set(tmp_path, MAP).splits == ["train", "val"]
    assert names(tmp_path, "train") == [(f"imgs/{stems[0]}.png", f"masks/{stems[0]}.png")]
    assert len(names(tmp_path, "val")) == 2
    assert first_map(tmp_path, "train")[:6] == [ROAD, ROAD, BACKGROUND, ONE_OF_BOTH, BACKGROUND, IGNORE]


ISK = "image-segmentation-keras"


@pytest.mark.parametrize(
    ("images", "annotations"),
    [
        ("images_prepped_{}", "annotations_prepped_{}"),
        ("{}/images", "{}/annotations"),
        ("images/{}", "annotations/{}"),
    ],
)
@pytest.mark.parametrize("validation", ["test", "val"])
def test_image_segmentation_keras(tmp_path: Path, images: str, annotations: str, validation: str) -> None:
    for split, stem in (("train", "0001TP_006690"), (validation, "0016E5_07959")):
        write(tmp_path / images.format(split) / f"{stem}.jpg")
        write(tmp_path / annotations.format(split) / f"{stem}.png", np.dstack([ids([3, 8, 10, 0, 11])] * 3))
    describe(tmp_path, ISK)
    assert open_data_set(tmp_path, MAP).splits == ["train", "val"]
    label = f"{annotations.format(validation)}/0016E5_07959.png"
    assert names(tmp_path, "val") == [(f"{images.format(validation)}/0016E5_07959.jpg", label)]
    assert first_map(tmp_path, "train")[:5] == [ROAD, VEHICLE, PEDESTRIAN, BACKGROUND, IGNORE]


def test_image_segmentation_keras_has_test_beside_val(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        write(tmp_path / f"images_prepped_{split}" / f"{split}.bmp")
        write(tmp_path / f"annotations_prepped_{split}" / f"{split}.bmp", ids([3]))
    describe(tmp_path, ISK)
    assert open_data_set(tmp_path, MAP).splits == ["test", "train", "val"]
    for split in ("train", "val", "test"):
        assert [image for image, _ in names(tmp_path, split)] == [f"images_prepped_{split}/{split}.bmp"]
    assert first_map(tmp_path, "val") == [ROAD] * 12


def test_two_plain_folders_are_one_split(tmp_path: Path) -> None:
    write(tmp_path / "images/a.png")
    write(tmp_path / "annotations/a.png", ids([3]))
    describe(tmp_path, ISK)
    assert open_data_set(tmp_path, MAP).splits == ["train"]
    assert names(tmp_path, "train") == [("images/a.png", "annotations/a.png")]
    with pytest.raises(DataError, match="no split 'val'; there are: train"):
        names(tmp_path, "val")


def test_colours_are_not_taken_for_ids(tmp_path: Path) -> None:
    write(tmp_path / "images/a.png")
    write(tmp_path / "annotations/a.png", np.full((8, 12, 3), (3, 3, 4), np.uint8))
    describe(tmp_path, ISK)
    with pytest.raises(DataError, match=r"its channels differ.*under \[colors\]"):
        first_map(tmp_path, "train")


def test_what_macos_leaves_beside_files_is_no_picture(tmp_path: Path) -> None:
    write(tmp_path / "train/images/a.png")
    write(tmp_path / "train/labels/a.png", ids([1]))
    for folder in ("images", "labels"):
        (tmp_path / "train" / folder / "._a.png").write_bytes(b"\0\5\x16\7")
    describe(tmp_path, "rtseg")
    assert names(tmp_path, "train") == [("train/images/a.png", "train/labels/a.png")]


def test_an_unknown_layout_lists_those_there_are(tmp_path: Path) -> None:
    text = template("cityscapes").replace('layout = "cityscapes"', 'layout = "kitti"')
    (tmp_path / "dataset.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"layout 'kitti' is unknown; there are: rtseg, .*comma10k"):
        read_description(tmp_path)


def test_splits_follow_the_folders(tmp_path: Path) -> None:
    for split in ("night", "day", ".trash"):
        write(tmp_path / split / "images/a.png")
    assert split_names(LAYOUTS["rtseg"], tmp_path) == ["day", "night"]
    shutil.rmtree(tmp_path / "night")
    assert split_names(LAYOUTS["rtseg"], tmp_path) == ["day"]
