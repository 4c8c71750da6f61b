"""The other subcommands: real figures, and JSON on request."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.labels import CLASSES

Rtseg = Callable[..., object]
EVAL_KEYS = {
    "schema", "model", "dataset", "split", "map", "frames", "iou", "mean_iou", "mean_iou_all",
    "pixel_accuracy",
    "ms_per_frame",
}  # fmt: skip


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Three pictures of 70x50, no multiple of anything, whose labels are all road but for a void corner."""
    for part in ("images", "labels"):
        (tmp_path / "data" / "val" / part).mkdir(parents=True)
    label = np.full((50, 70), 3, np.uint8)
    label[:10, :10] = 11
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"data/val/images/{number}.png"), np.full((50, 70, 3), 90, np.uint8))
        cv2.imwrite(str(tmp_path / f"data/val/labels/{number}.png"), label)
    (tmp_path / "data" / "dataset.toml").write_text(
        'name = "grey"\nlicense = "none"\nignore_index = 255\n'
        '[raw]\n0 = "sky"\n3 = "road"\n8 = "car"\n9 = "person"\n11 = "void"\n'
        '[maps.road-vehicle-pedestrian]\nbackground = ["sky"]\nroad = ["road"]\nvehicle = ["car"]\n'
        'pedestrian = ["person"]\nignore = ["void"]\n[maps.two]\nsky = ["sky"]\nroad = ["road"]\n'
    )
    return tmp_path / "data"


def test_eval_writes_the_documented_keys_and_counts_no_void(
    rtseg: Rtseg, tiny_model: Path, data_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "eval.json"
    outcome = rtseg("eval", "--model", tiny_model, "--data", data_set, "--json", out)
    assert outcome.code == 0, outcome.err
    figures = json.loads(out.read_text())
    assert set(figures) >= EVAL_KEYS
    assert (figures["dataset"], figures["split"], figures["frames"]) == ("grey", "val", 3)
    assert set(figures["iou"]) == set(CLASSES)
    # All that counts is road, so the share of it that was found is the accuracy and the IoU alike.
    assert figures["pixel_accuracy"] == pytest.approx(figures["iou"]["road"], abs=1e-4)


def test_eval_puts_its_figures_into_the_card_once(
    rtseg: Rtseg, tiny_model: Path, data_set: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    for _ in range(2):
        assert rtseg("eval", "--model", model, "--data", data_set, "--card").code == 0
    metrics = json.loads((model / "model.json").read_text())["metrics"]
    assert [metric["dataset"] for metric in metrics] == ["grey"]
    assert metrics[0]["command"].startswith("rtseg eval --model")
    assert rtseg("models", "info", model).out.count("grey val") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "two"], "has the classes sky, road; the model"),
        (["--map", "none"], "no map 'none'; there are: road-vehicle-pedestrian, two"),
        (["--split", "test"], "no split 'test'; there are: val"),
        (["--demo", "3"], "name one of --data"),
    ],
)
def test_eval_says_what_does_not_fit(
    rtseg: Rtseg, tiny_model: Path, data_set: Path, options: list[str], message: str
) -> None:
    outcome = rtseg("eval", "--model", tiny_model, "--data", data_set, *options)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.split())


def test_bench_measures_both_backends(rtseg: Rtseg, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    both = "openvino:f32,onnxruntime"
    outcome = rtseg("bench", "--model", tiny_model, "--compare", both, "--frames", 10, "--json", out)
    assert outcome.code == 0, outcome.err
    report = json.loads(out.read_text())
    assert [(each["backend"], each["precision"]) for each in report["results"]] == [
        ("openvino", "f32"),
        ("onnxruntime", "f32"),
    ]
    assert report["decoding"]["fps"] > 0
    for result in report["results"]:
        assert result["fps"] > 0 and result["network_ms"]["p50"] > 0
        assert result["of_decoding"] == pytest.approx(result["fps"] / report["decoding"]["fps"])
        assert set(result["stages_ms"]) == {"capture", "preprocess", "inference", "overlay", "output"}
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize("wrong", ["tensorflow", "openvino:f16", "openvino," * 5])
def test_bench_knows_what_it_can_compare(rtseg: Rtseg, tiny_model: Path, wrong: str) -> None:
    outcome = rtseg("bench", "--model", tiny_model, "--compare", wrong)
    assert outcome.code == 2
    assert "--compare" in outcome.err


def test_models_info_prints_the_card_as_json(rtseg: Rtseg, tiny_model: Path) -> None:
    outcome = rtseg("models", "info", tiny_model, "--json")
    assert json.loads(outcome.out)["classes"] == list(CLASSES)


@pytest.mark.parametrize("command", ["run", "process", "train", "eval", "export", "bench", "models"])
def test_every_command_explains_itself(rtseg: Rtseg, command: str) -> None:
    outcome = rtseg(command, "--help")
    assert outcome.code == 0
    assert "Usage: rtseg" in outcome.out


def test_the_version_is_printed(rtseg: Rtseg) -> None:
    assert rtseg("--version").out.startswith("rtseg ")
