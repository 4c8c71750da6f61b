"""rtseg label: a folder of pictures becomes a data set, or one line says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import write_clip

from rtseg.data.data_set import open_data_set
from rtseg.labels import CLASSES, IGNORE
from rtseg.video.demo.scene import DemoScene

Rtseg = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("street").mkdir()
    scene = DemoScene((320, 192), 5)
    for number in range(3):
        cv2.imwrite(f"street/{number}.png", scene.picture(3.0 * number))
    return tmp_path


def test_a_folder_becomes_a_data_set(rtseg: Rtseg, here: Path) -> None:
    write_clip(here / "in.mp4", range(5))
    options = "--every 2 --longest-side 192 --keep 0.5 --license MIT --white-balance"
    outcome = rtseg("label", "street", "in.mp4", "-o", "out", *options.split(), "--teacher", "street-m")
    assert (outcome.code, outcome.out) == (0, "out\n"), outcome.err
    assert "5 pictures labelled" in outcome.err
    assert all(name in outcome.err for name in (*CLASSES, "not labelled"))
    data_set = open_data_set(Path("out"), "road-vehicle-pedestrian")
    assert (data_set.name, data_set.license, data_set.classes) == ("out", "MIT", CLASSES)
    loaded = list(data_set.pairs("train"))
    stems = [sample.image_path.stem for sample, _, _ in loaded]
    assert stems == ["00-0", "00-2", "01-000000", "01-000002", "01-000004"]
    for _, image, class_map in loaded[:2]:
        assert image.shape == (115, 192, 3)
        assert (class_map == CLASSES.index("road")).mean() > 0.1
        assert (class_map == IGNORE).any()
    verified = rtseg("data", "verify", "out", "--split", "train")
    assert verified.code == 0, verified.err


def test_what_is_there_is_written_over_only_when_told(rtseg: Rtseg, here: Path) -> None:
    assert rtseg("label", "street/0.png", "-o", "out").code == 0
    before = Path("out/train/labels/00-0.png").read_bytes()
    refused = rtseg("label", "street/0.png", "-o", "out", "--keep", "0.99")
    assert refused.code == 2
    assert "out: is not empty; add -y to write into it" in refused.err
    assert Path("out/train/labels/00-0.png").read_bytes() == before
    assert rtseg("label", "street/0.png", "-o", "out", "--keep", "0.99", "-y").code == 0
    after = cv2.imread("out/train/labels/00-0.png", cv2.IMREAD_UNCHANGED)
    assert (after == IGNORE).sum() > (cv2.imdecode(np.frombuffer(before, np.uint8), 0) == IGNORE).sum()


@pytest.mark.parametrize("file", ["dataset.toml", "notes.txt"])
def test_nothing_but_pseudo_labels_is_written_over(rtseg: Rtseg, here: Path, file: str) -> None:
    Path("drive").mkdir()
    Path("drive", file).write_text('name = "drive"', encoding="utf-8")
    refused = rtseg("label", "street/0.png", "-o", "drive", "-y")
    assert refused.code == 2
    assert "drive: holds something other than pseudo-labels, which would be lost" in refused.err
    assert [path.name for path in Path("drive").iterdir()] == [file]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("street -o out --teacher street-x", "unknown model 'street-x'"),
        ("street -o street", "street: is the folder of the input"),
        ("street -o full", "full: is not empty; add -y"),
        ("street -o none/out", "the folder none does not exist; make it with `mkdir -p none`"),
        ("street -o full/file", "full/file: is a file; expected a folder"),
        ("nowhere -o out", "nowhere: no such file or folder"),
        ("street nowhere -o out", "nowhere: no such file or folder"),
        ("full -o out", "full: no pictures there"),
        ("97 -o out", "camera 97: there is no /dev/video97"),
        ("street -o out --keep 0", "keep is 0.0; it is a probability: above 0, at most 1"),
        ("street -o out --keep 1.1", "keep is 1.1"),
        ("street -o out --every 0", "every is 0; it must be at least 1"),
        ("street -o out --longest-side 10", "longest side is 10 pixels; it must be at least 64"),
    ],
)
def test_it_is_told_before_anything_is_made(rtseg: Rtseg, here: Path, arguments: str, message: str) -> None:
    Path("full").mkdir()
    Path("full/file").touch()
    before = sorted(here.rglob("*"))
    outcome = rtseg("label", *arguments.split())
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert outcome.err.startswith("rtseg: ")
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert sorted(here.rglob("*")) == before
