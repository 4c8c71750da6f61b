"""rtseg train: from data sets to a model that runs, and one line for what makes no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras to train (pip install 'rtseg[train]')")

from little_runs import NET, log_of, write_bright

import rtseg as package
from rtseg.card import find_model

Rtseg = Callable[..., Any]

OPTIONS = (
    f"--net {NET} --epochs 1 --batch 2 --size 64x64 --demo-share 0.05 --ema 0.5 --learning-rate 3e-3 "
    "--class-weights 1,1,1,2 --teacher street-m --distillation 0.5 --hold-out 03,x*"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_bright(tmp_path / "bright")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_training_ends_with_a_model_that_runs(rtseg: Rtseg, here: Path) -> None:
    pytest.importorskip("tf2onnx", reason="needs tf2onnx to export (pip install 'rtseg[train]')")
    outcome = rtseg("train", "--data", "bright=20", "-o", "run", *OPTIONS.split())
    assert (outcome.code, outcome.out) == (0, "run\n"), outcome.err
    said = Path("run/train.toml").read_text(encoding="utf-8")
    assert f'[data]\n"{here / "bright"}" = 20.0\n' in said  # absolute: resumed from any folder
    assert 'hold_out = ["03", "x*"]' in said
    card = find_model("run").card
    assert card.training_command == f"rtseg train --data bright=20 -o run {OPTIONS}".replace(
        "x*", "'x*'"
    ).replace("03,'x*'", "'03,x*'")
    with package.load("run", threads=1) as segmenter:
        assert segmenter(np.zeros((90, 120, 3), np.uint8)).shape == (90, 120)

    best = json.loads(Path("run/best.json").read_text(encoding="utf-8"))
    assert f"best epoch 1: mean IoU {best['mean_iou']:.4f}" in outcome.err
    options = ["--data", "bright", "--precision", "f32", "--json", "run.json"]
    evaluated = rtseg("eval", "--model", "run", *options)
    assert evaluated.code == 0, evaluated.err
    figures = json.loads(Path("run.json").read_text(encoding="utf-8"))
    assert figures["mean_iou"] == pytest.approx(best["mean_iou"], abs=0.01)

    # All that it needs to go on is in its folder; here there is nothing left to do but the export.
    Path("run/model.onnx").unlink()
    resumed = rtseg("train", "-o", "run", "--resume")
    assert (resumed.code, resumed.out) == (0, "run\n"), resumed.err
    assert f"best epoch 1: mean IoU {best['mean_iou']:.4f}" in resumed.err
    assert len(log_of(Path("run"))) == 1
    assert find_model("run").card.without_files() == card.without_files()

    exported = rtseg("export", "--model", "run", "-o", "copy")
    assert (exported.code, exported.out) == (0, "copy/model.onnx\n"), exported.err
    again = rtseg("train", "--data", "bright", "-o", "run")
    assert again.code == 2
    assert "run: holds a run already; add --resume" in again.err


def test_its_help_teaches_where_to_start_and_what_learns(rtseg: Rtseg) -> None:
    outcome = rtseg("train", "--help")
    said = " ".join(outcome.out.replace("│", " ").split())
    assert outcome.code == 0
    for words in ("imagenet, weights that Keras", "none [none]", "[lite_mobilenetv2]", "too [0: never]"):
        assert words in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "training: data is missing"),
        ("--data nowhere", "nowhere: no dataset.toml in it"),
        ("--data bright=x", "training: data.bright is 'x': Input should be a valid number"),
        ("--data bright=", "training: data.bright is '': Input should be a valid number"),
        ("--data bright=0", "training: data.bright is '0': Input should be greater than 0"),
        ("--data bright=-1", "training: data.bright is '-1': Input should be greater than 0"),
        ("--data bright=nan", "training: data.bright is 'nan': Input should be a finite number"),
        ("--data bright --data bright/=2", "--data names bright twice"),
        ("--data bright --map three", "no map 'three'; there are: road-vehicle-pedestrian, two"),
        ("--data bright --size 64", "size '64' is not of the form WIDTHxHEIGHT"),
        ("--data bright --size 70x64", "training: size.0 is 70: Input should be a multiple of 32"),
        ("--data bright --epochs 0", "training: epochs is 0: Input should be greater than 0"),
        (
            "--data bright --class-weights 1,x",
            "training: class_weights.1 is 'x': Input should be a valid number",
        ),
        ("--data bright --class-weights 1,2", "2 class weights for the classes background, road, vehicle"),
        ("--data bright --hold-out *", "bright: hold_out * leaves no picture"),
        ("--data bright --batch 99", "batch is 99, but an epoch has 8 samples"),
        ("--data bright --net lite_mobilnetv2", "unknown net 'lite_mobilnetv2'"),
        ("--data bright --teacher street-x", "unknown model 'street-x'"),
        ("--data bright --teacher street-m --map two", "the teacher street-m knows background, road,"),
        ("--data bright --encoder-weights none.h5 --net lite_mobilenetv2x05", "none.h5: no such file"),
        (
            "--data bright --net unet_plain2 --encoder-weights imagenet",
            "no ImageNet weights of the encoder plain2, only of vgg16,",
        ),
        ("--data bright --unfreeze-after 3", "unfreeze_after is 3, but freeze is none, so nothing is frozen"),
        ("--config nowhere.toml", "nowhere.toml: cannot be read"),
        ("--config wrong.toml", "wrong.toml: unknown key 'epoch'; did you mean 'epochs'? There are: data,"),
        ("--config right.toml --batch 0", "training: batch is 0: Input should be greater than 0"),
        ("--config right.toml", "training: learning_rate is 'fast': Input should be a valid number"),
        ("--resume", "out: holds no run to go on with (no train.toml); start one without --resume"),
    ],
)
def test_it_is_told_before_anything_is_made(rtseg: Rtseg, here: Path, arguments: str, message: str) -> None:
    Path("wrong.toml").write_text("epoch = 3\n[data]\nbright = 1\n", encoding="utf-8")
    Path("right.toml").write_text('learning_rate = "fast"\n[data]\nbright = 1\n', encoding="utf-8")
    outcome = rtseg("train", *arguments.split(), "-o", "out")
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert outcome.err.startswith("rtseg: ")
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert not Path("out").exists()


def test_a_picture_that_breaks_while_training_is_named(rtseg: Rtseg, here: Path) -> None:
    for path in Path("bright/train/images").iterdir():
        path.write_bytes(cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()[:-12])
    outcome = rtseg("train", "--data", "bright", "-o", "run", *f"--net {NET} --batch 2 --size 64x64".split())
    assert outcome.code == 2
    assert ".png: is cut off (a PNG without its end); copy it again or take it out" in outcome.err
    assert "Traceback" not in outcome.err
