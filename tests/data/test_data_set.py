"""Data sets on disk: read through their maps, and what is wrong with them named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.data.data_set import DataSet, open_data_set
from rtseg.errors import DataError
from rtseg.labels import CLASSES, IGNORE

MAP = "road-vehicle-pedestrian"
CLASS_OF_RAW = {0: 0, 3: 1, 7: 2, 8: 2, 9: 3, 200: IGNORE, 255: IGNORE}


@pytest.fixture
def root(tmp_path: Path, write_data_set: Callable[..., Path]) -> Path:
    return write_data_set(tmp_path / "little", size=(30, 20), train=3)


@pytest.fixture
def data_set(root: Path) -> DataSet:
    return open_data_set(root, MAP)


def write_label(root: Path, label: np.ndarray) -> Path:
    path = root / "train/labels/00.png"
    cv2.imwrite(str(path), label)
    return path


def test_raw_ids_become_the_classes_of_the_map(root: Path, data_set: DataSet) -> None:
    label = np.resize(np.array(list(CLASS_OF_RAW), np.uint8), (20, 30))
    write_label(root, label)
    assert data_set.classes == CLASSES
    assert (data_set.name, data_set.license) == ("little", "MIT")
    _, class_map = data_set.load(data_set.samples("train")[0])
    np.testing.assert_array_equal(class_map, np.vectorize(CLASS_OF_RAW.get)(label))
    assert class_map.dtype == np.uint8


def test_another_map_of_the_same_files_has_its_own_classes(root: Path) -> None:
    data_set = open_data_set(root, "all")
    assert data_set.classes == ("still", "moving")
    write_label(root, np.full((20, 30), 200, np.uint8))
    assert (data_set.load(data_set.samples("train")[0])[1] == 0).all()


def test_pictures_come_as_rgb_beside_their_labels_in_order_of_name(root: Path, data_set: DataSet) -> None:
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 2] = 250
    cv2.imwrite(str(root / "train/images/00.png"), red)
    loaded = list(data_set.pairs("train"))
    assert [sample.image_path.name for sample, _, _ in loaded] == ["00.png", "01.png", "02.png"]
    assert [sample.label_path.name for sample, _, _ in loaded] == ["00.png", "01.png", "02.png"]
    assert (loaded[0][1] == (250, 0, 0)).all()
    assert all(image.shape == (20, 30, 3) and truth.shape == (20, 30) for _, image, truth in loaded)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.full((20, 30), 77, np.uint8), r"no class to label ids 77 \(not under \[raw\]\)"),
        (np.zeros((20, 31), np.uint8), "labels are 31x20, the picture is 30x20"),
        (np.zeros((20, 30, 3), np.uint8), "8-bit picture of one channel"),
        (np.zeros((20, 30), np.uint16), "8-bit picture of one channel"),
    ],
    ids=["unknown id", "other size", "colours", "16 bit"],
)
def test_labels_that_cannot_be_meant_are_refused(
    root: Path, data_set: DataSet, label: np.ndarray, message: str
) -> None:
    path = write_label(root, label)
    with pytest.raises(DataError, match=message) as caught:
        data_set.load(data_set.samples("train")[0])
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("file", ["images/01.png", "labels/01.png"])
def test_a_file_that_is_no_picture_is_named(root: Path, data_set: DataSet, file: str) -> None:
    (root / "train" / file).write_bytes(b"\x89PNG but not really")
    with pytest.raises(DataError, match=rf"{file}: cannot be read as a picture"):
        list(data_set.pairs("train"))


def test_a_missing_label_is_named_and_the_missing_are_counted(root: Path, data_set: DataSet) -> None:
    for stem in ("01", "02"):
        (root / f"train/labels/{stem}.png").unlink()
    with pytest.raises(DataError, match=r"labels/01\.png: missing.*2 lack them"):
        data_set.samples("train")


def test_an_empty_split_and_one_that_is_not_there_are_refused(root: Path, data_set: DataSet) -> None:
    for path in (root / "val/images").iterdir():
        path.unlink()
    (root / "val/images/notes.txt").touch()
    with pytest.raises(DataError, match="val/images: holds no"):
        data_set.samples("val")
    with pytest.raises(DataError, match="no split 'test'; there are: train, val"):
        data_set.samples("test")


def test_an_unknown_map_lists_those_there_are(root: Path) -> None:
    with pytest.raises(DataError, match=f"no map 'camvid11'; there are: {MAP}, all"):
        open_data_set(root, "camvid11")


def test_a_folder_without_dataset_toml_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no dataset\.toml in it"):
        open_data_set(tmp_path, MAP)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "little"', "name = ", "is no valid TOML"),
        ('name = "little"', 'nome = "little"', "'name': Field required|'nome': Extra"),
        ("[raw]", 'colour = "red"\n[raw]', "'colour': Extra inputs"),
        ('200 = "blur"', '201 = "fog"', "names 'blur', which .raw. does not list"),
        ("ignore_index = 255", 'ignore_index = "no"', "'ignore_index'"),
        ('road = ["asphalt"]', 'road = "asphalt"', r"maps\.road-vehicle-pedestrian\.road"),
    ],
)
def test_what_is_wrong_in_dataset_toml_is_named(root: Path, old: str, new: str, message: str) -> None:
    path = root / "dataset.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        open_data_set(root, MAP)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ignore_index = 255", "ignore_index = 999"),
        ('200 = "blur"', '2000 = "blur"'),
        ('vehicle = ["car", "lorry"]', 'vehicle = ["car", "lorry", "asphalt"]'),
        ('8 = "lorry"', '8 = "car"\n10 = "lorry"'),
    ],
    ids=["ignore out of range", "id out of range", "one name in two classes", "one name for two ids"],
)
def test_numbers_and_names_that_contradict_each_other_are_refused(root: Path, old: str, new: str) -> None:
    path = root / "dataset.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError):
        open_data_set(root, MAP)


def test_an_id_that_the_map_leaves_out_blames_the_map(root: Path) -> None:
    path = root / "dataset.toml"
    text = path.read_text(encoding="utf-8").replace('pedestrian = ["person"]\n', "pedestrian = []\n", 1)
    path.write_text(text, encoding="utf-8")
    write_label(root, np.full((20, 30), 9, np.uint8))
    data_set = open_data_set(root, MAP)
    with pytest.raises(DataError, match="person") as caught:
        data_set.load(data_set.samples("train")[0])
    assert MAP in str(caught.value)
