"""Verification: all that is wrong with a data set is found in one go, and what is right is counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.data.data_set import open_data_set
from rtseg.data.description import template
from rtseg.data.verify import Problem, Verification, share, verify

MAP = "road-vehicle-pedestrian"


@pytest.fixture
def root(tmp_path: Path, write_data_set: Callable[..., Path]) -> Path:
    return write_data_set(tmp_path / "little", size=(36, 24), train=4, val=2)


def verified(root: Path, class_map: str = MAP) -> Verification:
    data_set = open_data_set(root, class_map)
    files_of = {split: data_set.files(split) for split in data_set.splits}
    return verify(data_set, files_of, lambda done, total: None)


def problems(root: Path, class_map: str = MAP) -> list[Problem]:
    return list(verified(root, class_map).problems)


def only_problem(root: Path, kind: str, file: str | None) -> str:
    found = problems(root)
    assert [
        (problem.kind, problem.path and problem.path.relative_to(root).as_posix()) for problem in found
    ] == [(kind, file)]
    return found[0].text


def test_a_sound_data_set_is_counted(root: Path) -> None:
    found = verified(root)
    assert not found.problems
    train, val = found.splits
    assert (train.name, train.pictures, dict(train.sizes)) == ("train", 4, {(36, 24): 4})
    assert (val.name, val.pictures) == ("val", 2)
    # Six raw ids, each in as many blocks: house, asphalt, car, lorry, person, blur.
    names = found.label_names()
    assert list(names.values()) == ["background", "road", "vehicle", "pedestrian", "ignored"]
    shares = {name: share(train, label) for label, name in names.items()}
    assert shares == pytest.approx(
        {"background": 1 / 6, "road": 1 / 6, "vehicle": 1 / 3, "pedestrian": 1 / 6, "ignored": 1 / 6}
    )
    assert [train.pictures_with[label] for label in names] == [4] * 5


def test_progress_counts_every_picture_of_all_splits(root: Path) -> None:
    data_set = open_data_set(root, MAP)
    files_of = {split: data_set.files(split) for split in data_set.splits}
    told: list[tuple[int, int]] = []
    verify(data_set, files_of, lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(1, 7)]


def test_all_problems_are_found_at_once(root: Path) -> None:
    train = root / "train"
    (train / "labels/00.png").unlink()
    data = (train / "images/01.png").read_bytes()
    (train / "images/01.png").write_bytes(data[: len(data) // 2])
    cv2.imwrite(str(train / "labels/02.png"), np.zeros((24, 30), np.uint8))
    label = cv2.imread(str(train / "labels/03.png"), cv2.IMREAD_UNCHANGED)
    label[0, :5] = 77
    cv2.imwrite(str(train / "labels/03.png"), label)
    cv2.imwrite(str(train / "labels/99.png"), label)
    shutil.copy(train / "images/03.png", root / "val/images/01.png")
    (root / "val/labels/00.png").write_bytes(b"dear diary")
    found = [(each.kind, each.split, each.path and each.path.name) for each in problems(root)]
    assert sorted(found) == [
        ("file", "train", "01.png"),
        ("file", "val", "00.png"),
        ("leak", "val", "01.png"),
        ("missing label", "train", "00.png"),
        ("no picture", "train", "99.png"),
        ("size", "train", "02.png"),
        ("unknown", "train", "03.png"),
    ]


def test_unknown_ids_are_told_with_their_pixels_and_counted_as_such(root: Path) -> None:
    path = root / "train/labels/01.png"
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    label[0, :5] = 77
    label[1, :3] = 78
    cv2.imwrite(str(path), label)
    text = only_problem(root, "unknown", "train/labels/01.png")
    assert "77 (not under [raw]): 5 pixels, 78 (not under [raw]): 3 pixels" in text
    found = verified(root)
    assert found.label_names()[254] == "unknown"
    assert found.splits[0].pixels[254] == 8


def test_a_cut_off_jpeg_is_found_though_opencv_would_show_it(root: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
    path = root / "train/images/00.jpg"
    path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes()[:-30])
    assert cv2.imread(str(path)) is not None
    path.with_suffix(".png").unlink()
    assert "is cut off" in only_problem(root, "file", "train/images/00.jpg")


def test_labels_of_another_mode_are_a_problem(root: Path) -> None:
    cv2.imwrite(str(root / "train/labels/00.png"), np.zeros((24, 36), np.uint16))
    assert "1 channels of 16 bits" in only_problem(root, "file", "train/labels/00.png")


def test_a_split_without_labels_is_one_problem_and_not_one_a_picture(root: Path) -> None:
    shutil.rmtree(root / "train/labels")
    assert "labels for none of 4 pictures" in only_problem(root, "missing label", "train/labels")


def test_an_empty_split_is_a_problem(root: Path) -> None:
    for path in (root / "val").rglob("*.png"):
        path.unlink()
    assert "holds no" in only_problem(root, "empty split", "val/images")


def test_two_pictures_of_one_name_share_a_label(root: Path) -> None:
    shutil.copy(root / "train/images/00.png", root / "train/images/00.bmp")
    assert "belongs to 2 pictures" in only_problem(root, "shared label", "train/labels/00.png")


def test_the_same_picture_in_two_splits_is_a_leak(root: Path) -> None:
    shutil.copy(root / "train/images/02.png", root / "val/images/00.png")
    text = only_problem(root, "leak", "val/images/00.png")
    assert "train/images/02.png of split train" in text.replace("\\", "/")


def test_a_class_that_never_occurs_is_told_for_its_split(root: Path) -> None:
    for path in (root / "val/labels").iterdir():
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        label[label == 9] = 3
        cv2.imwrite(str(path), label)
    assert [(each.split, each.text) for each in problems(root)] == [
        ("val", "class 'pedestrian' never occurs")
    ]
    assert not problems(root, "all")


def test_a_class_that_only_occurs_merged_does_occur(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(template("comma10k"), encoding="utf-8")
    for folder in ("imgs", "masks"):
        (tmp_path / folder).mkdir()
    for stem in ("0_8", "0_9"):
        mask = np.zeros((6, 9, 3), np.uint8)
        mask[:2], mask[2:4], mask[4:] = (0x60, 0x80, 0x80), (0x20, 0x20, 0x40), (0x66, 0xFF, 0)
        cv2.imwrite(str(tmp_path / f"masks/{stem}.png"), mask)
        cv2.imwrite(str(tmp_path / f"imgs/{stem}.png"), mask // 2 + int(stem[-1]))
    found = verified(tmp_path)
    assert not found.problems
    shares = {name: share(found.splits[0], label) for label, name in found.label_names().items()}
    assert shares == pytest.approx(
        {"background": 1 / 3, "road": 1 / 3, "vehicle": 0, "pedestrian": 0, "vehicle|pedestrian": 1 / 3}
    )


def test_the_facts_as_json(root: Path) -> None:
    (root / "train/labels/00.png").unlink()
    facts = json.loads(json.dumps(verified(root).to_json()))
    assert list(facts) == [
        "schema", "dataset", "license", "map", "classes", "sound", "splits", "problems",
    ]  # fmt: skip
    assert (facts["schema"], facts["dataset"], facts["map"], facts["sound"]) == (1, "little", MAP, False)
    assert facts["splits"]["val"] == {
        "pictures": 2,
        "sizes": {"36x24": 2},
        "share": pytest.approx(
            {"background": 1 / 6, "road": 1 / 6, "vehicle": 1 / 3, "pedestrian": 1 / 6, "ignored": 1 / 6},
            abs=1e-6,
        ),
        "pictures_with": dict.fromkeys(facts["classes"] + ["ignored"], 2),
    }
    assert facts["problems"] == [
        {
            "kind": "missing label",
            "split": "train",
            "file": "train/labels/00.png",
            "text": "missing; the picture needs its labels",
        }
    ]
