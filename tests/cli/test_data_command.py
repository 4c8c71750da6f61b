"""rtseg data: begin, verify and look at data sets from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest

from rtseg.cli.data import LayoutName
from rtseg.data.layouts import LAYOUTS

Rtseg = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path, write_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_data_set(tmp_path / "little", size=(36, 24), train=5, val=2)


def last_line(text: str) -> str:
    return str(text.strip().splitlines()[-1])


def test_every_layout_can_be_asked_for() -> None:
    assert set(get_args(LayoutName)) == set(LAYOUTS)


def test_a_sound_data_set_is_told_with_its_balance(rtseg: Rtseg, root: Path) -> None:
    outcome = rtseg("data", "verify", "little", "--json", "facts.json")
    assert outcome.code == 0
    assert "train: 5 pictures, 36x24" in outcome.out
    assert last_line(outcome.out) == "no problems found"
    row = next(line for line in outcome.out.splitlines() if "pedestrian" in line)
    assert row.count("16.67%") == 2
    facts = json.loads(Path("facts.json").read_text(encoding="utf-8"))
    assert facts["sound"] is True
    assert "exists already; add -y" in rtseg("data", "verify", "little", "--json", "facts.json").err
    assert rtseg("data", "verify", "little", "--json", "facts.json", "-y").code == 0


def test_each_problem_is_a_line_and_the_end_is_one_with_code_2(rtseg: Rtseg, root: Path) -> None:
    (root / "train/labels/00.png").unlink()
    cv2.imwrite(str(root / "train/labels/01.png"), np.full((24, 36), 77, np.uint8))
    cv2.imwrite(str(root / "val/labels/01.png"), np.zeros((4, 4), np.uint8))
    outcome = rtseg("data", "verify", "little", "--json", "facts.json")
    assert outcome.code == 2
    assert last_line(outcome.err) == "rtseg: little: 3 problems, listed above"
    told = outcome.out.strip().splitlines()[-3:]
    assert told[0].startswith("train/labels/00.png: missing")
    assert told[1].startswith(
        "train/labels/01.png: map 'road-vehicle-pedestrian' gives no class to label ids 77"
    )
    assert told[2].startswith("val/labels/01.png: labels are 4x4, the picture is 36x24")
    assert json.loads(Path("facts.json").read_text(encoding="utf-8"))["sound"] is False


def test_only_the_splits_asked_for_are_verified(rtseg: Rtseg, root: Path) -> None:
    (root / "train/labels/00.png").unlink()
    assert rtseg("data", "verify", "little", "--split", "val").code == 0
    assert rtseg("data", "verify", "little", "--split", "val", "--split", "train").code == 2


def test_a_class_that_never_occurs_is_a_problem(rtseg: Rtseg, root: Path) -> None:
    for path in (root / "val/labels").iterdir():
        cv2.imwrite(str(path), np.zeros((24, 36), np.uint8))
    outcome = rtseg("data", "verify", "little", "--map", "all")
    assert outcome.code == 2
    assert last_line(outcome.out) == "val: class 'moving' never occurs"
    assert last_line(outcome.err) == "rtseg: little: 1 problem, listed above"


@pytest.mark.parametrize("augmented", [[], ["--augmented", "--size", "64x48"]])
def test_a_sheet_shows_samples_and_is_the_same_for_a_seed(
    rtseg: Rtseg, root: Path, augmented: list[str]
) -> None:
    outcome = rtseg("data", "show", "little", "--count", 3, *augmented)
    assert (outcome.code, outcome.out) == (0, "sheet.png\n")
    sheet = cv2.imread("sheet.png")
    assert sheet.shape[1] == 3 * 326 + 6
    for name, seed in (("again", 0), ("other", 1)):
        arguments = ("--count", 3, "-o", f"{name}.png", "--seed", seed)
        assert rtseg("data", "show", "little", *arguments, *augmented).code == 0
    assert Path("again.png").read_bytes() == Path("sheet.png").read_bytes()
    assert Path("other.png").read_bytes() != Path("sheet.png").read_bytes()


def test_a_sheet_of_more_than_there_are_shows_all(rtseg: Rtseg, root: Path) -> None:
    assert rtseg("data", "show", "little", "--split", "val", "--count", 50).code == 0
    assert cv2.imread("sheet.png").shape[1] == 2 * 326 + 6


def test_init_writes_a_description_that_can_be_verified(rtseg: Rtseg, root: Path) -> None:
    picture = np.zeros((9, 12, 3), np.uint8)
    mask = picture.copy()
    mask[:3], mask[3:6], mask[6:] = (0x60, 0x80, 0x80), (0x20, 0x20, 0x40), (0x66, 0xFF, 0)
    for folder in ("imgs", "masks"):
        (Path("comma") / folder).mkdir(parents=True)
    for number in (8, 9):
        cv2.imwrite(f"comma/imgs/{number}.png", picture + number)
        cv2.imwrite(f"comma/masks/{number}.png", mask)
    outcome = rtseg("data", "init", "comma", "--layout", "comma10k")
    assert (outcome.code, outcome.out.strip()) == (0, str(Path("comma/dataset.toml")))
    assert "rtseg data verify comma" in outcome.err
    verified = rtseg("data", "verify", "comma")
    assert verified.code == 0
    assert "vehicle|pedestrian" in verified.out
    assert rtseg("data", "show", "comma", "--split", "val").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("verify nowhere", "nowhere: no dataset.toml in it"),
        ("verify little --map camvid11", "no map 'camvid11'; there are: road-vehicle-pedestrian, all"),
        ("verify little --split test", "no split 'test'; there are: train, val"),
        ("verify little --json none/x.json", "the folder none does not exist"),
        ("show little --split test", "no split 'test'; there are: train, val"),
        ("show little -o sheet.jpg", "sheet.jpg: a sheet is a PNG; name it sheet.png"),
        ("show little -o done.png", "done.png: exists already; add -y"),
        ("show little --augmented --size 480", "size '480' is not of the form WIDTHxHEIGHT"),
        ("show little --augmented --size 99999x8", "size is 99999x8; expected both sides from 16 to 4096"),
        ("init nowhere --layout cityscapes", "nowhere: no such folder"),
        ("init little --layout rtseg", "dataset.toml: exists already; add -y"),
        ("init empty --layout cityscapes", "expected leftImg8bit/SPLIT with gtFine/SPLIT"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    rtseg: Rtseg, root: Path, arguments: str, message: str
) -> None:
    Path("done.png").touch()
    Path("empty").mkdir()
    before = sorted(Path().rglob("*"))
    outcome = rtseg("data", *arguments.split())
    assert outcome.code == 2
    assert outcome.err.strip().startswith("rtseg: ")
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert sorted(Path().rglob("*")) == before


def test_a_broken_sample_is_named_by_show(rtseg: Rtseg, root: Path) -> None:
    for path in (root / "val/images").iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    outcome = rtseg("data", "show", "little", "--split", "val")
    assert outcome.code == 2
    assert "is cut off (a PNG without its end); copy it again or take it out" in outcome.err
    assert not Path("sheet.png").exists()
