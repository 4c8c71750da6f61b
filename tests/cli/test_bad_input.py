"""Whatever a user gets wrong is one clear line on stderr and exit code 2; nothing is lost or left over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import write_clip

from rtseg.labels import CLASSES

Rtseg = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a video, pictures, a text and other things in it."""
    write_clip(tmp_path / "in.mp4", range(5))
    (tmp_path / "text.mp4").write_text("dear diary\n" * 99)
    (tmp_path / "done.mp4").write_text("the old one")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep.txt").touch()
    (tmp_path / "pictures").mkdir()
    for name, width in (("a", 48), ("b", 48), ("c", 32)):
        cv2.imwrite(str(tmp_path / "pictures" / f"{name}.png"), np.zeros((32, width, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def complain(rtseg: Rtseg, *arguments: object) -> str:
    """The one line that a command says before it ends with 2."""
    outcome = rtseg(*arguments)
    lines = outcome.err.strip().splitlines()
    assert (outcome.code, outcome.out, len(lines)) == (2, "", 1), outcome
    assert lines[0].startswith("rtseg: ")
    return str(lines[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("process im.mp4 -o out.mp4", "im.mp4: no such file or folder; did you mean in.mp4?"),
        ("process text.mp4 -o out.mp4", "text.mp4: is no video that can be read"),
        ("process nothing -o out", "nothing: is empty; give a folder"),
        ("process 97 -o out.mp4", "camera 97: there is no /dev/video97"),
        ("process http://127.0.0.1:1/x.mp4 -o out.mp4", "127.0.0.1:1/x.mp4: cannot be reached"),
        ("process in.mp4 -o done.mp4", "done.mp4: exists already; add -y"),
        ("process in.mp4 -o in.mp4", "in.mp4: is the input itself"),
        ("process in.mp4 -o in.mp4 -y", "in.mp4: is the input itself"),
        ("process pictures -o pictures -y", "pictures: is the folder of the input"),
        ("process in.mp4 -o out.mp4 --masks full", "full: is not empty; add -y"),
        ("process pictures -o out --masks out", "out: is the output too"),
        ("process in.mp4 -o none/out.mp4", "the folder none does not exist; make it with `mkdir -p none`"),
        ("process in.mp4 -o out.xyz", "out.xyz: unknown kind of video '.xyz'; name the video out.mp4"),
        ("process in.mp4 -o out", "out: has no ending; name the video out.mp4"),
        ("process in.mp4 -o nothing", "nothing: is a folder; give the name of a file in it"),
        ("process in.mp4 -o /proc/out.mp4", "/proc: cannot be written to"),
        ("process in.mp4 -o out.mp4 --model street-x", "unknown model 'street-x'"),
        ("run --source in.mp4 --no-display --record in.mp4 -y", "in.mp4: is the input itself"),
        ("run --source in.mp4 --no-display --stats in.mp4 -y", "in.mp4: is the input itself"),
        ("run --source in.mp4 --no-display --record out.gif", "out.gif: unknown kind of video '.gif'"),
        ("run --camera 97 --no-display", "camera 97: there is no /dev/video97"),
        ("run --source im.mp4 --no-display", "did you mean in.mp4?"),
        ("run --source in.mp4 --no-display --record done.mp4", "done.mp4: exists already; add -y"),
    ],
)  # fmt: skip
def test_it_is_told_before_anything_is_made(rtseg: Rtseg, here: Path, arguments: str, message: str) -> None:
    before = files(here)
    assert message in complain(rtseg, *arguments.split())
    assert files(here) == before
    assert not (here / "out").exists()


def not_a_model(folder: Path, tiny_model: Path) -> str:
    (folder / "some.onnx").write_text("dear diary")
    return "some.onnx"


def not_our_model(folder: Path, tiny_model: Path) -> str:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny_model / "model.onnx")
    del model.metadata_props[:]
    onnx.save(model, folder / "some.onnx")
    return "some.onnx"


def changed_model(folder: Path, tiny_model: Path) -> str:
    shutil.copytree(tiny_model, folder / "changed")
    with (folder / "changed" / "model.onnx").open("ab") as file:
        file.write(b"x")
    return "changed"


def broken_card(folder: Path, tiny_model: Path) -> str:
    shutil.copytree(tiny_model, folder / "broken")
    card = json.loads((folder / "broken" / "model.json").read_text())
    (folder / "broken" / "model.json").write_text(json.dumps(card | {"palette": [[0, 0, 999]]}))
    return "broken"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (not_a_model, "some.onnx: is no ONNX file that can be loaded"),
        (not_our_model, "some.onnx: an ONNX file, but not one of rtseg's"),
        (changed_model, "is not the file that its card describes (SHA-256 differs"),
        (broken_card, "model.json: palette.0.2: Input should be less than or equal to 255"),
    ],
)
def test_a_model_that_cannot_be_trusted(
    rtseg: Rtseg, here: Path, tiny_model: Path, make: Callable[[Path, Path], str], message: str
) -> None:
    model = make(here, tiny_model)
    assert message in complain(rtseg, "process", "in.mp4", "-o", "out.mp4", "--model", model)
    assert not list(here.glob("*out*"))


def test_an_unknown_model_lists_those_that_there_are(
    rtseg: Rtseg, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtseg.card.shipped_models", lambda: ["street-l", "street-m"])
    line = complain(rtseg, "process", "in.mp4", "-o", "out.mp4", "--model", "street-n")
    assert "did you mean 'street-" in line
    assert "There are: street-l, street-m; or give the path" in line


def test_an_unknown_class_leaves_nothing_behind(rtseg: Rtseg, here: Path, tiny_model: Path) -> None:
    line = complain(rtseg, "process", "in.mp4", "-o", "out.mp4", "--model", tiny_model, "--classes", "dog")
    assert f"unknown class 'dog'; this model knows {', '.join(CLASSES[1:])}" in line
    assert not list(here.glob("*out*"))


def test_pictures_of_different_sizes_into_one_video(rtseg: Rtseg, here: Path, tiny_model: Path) -> None:
    """What was done before the change of size is kept, and can be played."""
    outcome = rtseg("process", "pictures", "-o", "out.mp4", "--model", tiny_model)
    assert outcome.code == 2
    line = outcome.err.strip().splitlines()[-1]
    assert "frame 2 is 32x32, those before it 48x32" in line
    assert "The 2 frames before it are kept in out.mp4" in line
    assert cv2.VideoCapture(str(here / "out.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 2
    assert not list(here.glob(".*part"))
