"""The parity gate: what differs fails and is not kept, in each export, and the report says where."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rtseg import labels
from rtseg.card import CARD_FILE, INT8_FILE, ONNX_FILE, WEIGHTS_FILE
from rtseg.errors import DataError, ModelError
from rtseg.export import onnx as onnx_module
from rtseg.export.onnx import export_onnx
from rtseg.export.parity import LIMITS, Gate, Parity, Predictor, compare
from rtseg.export.reference import of_keras, open_reference
from rtseg.export.samples import Sample, demo_samples, find_pictures, folder_samples

SIZE = (64, 32)
CLASSES = labels.CLASSES


def says(class_map: np.ndarray) -> Predictor:
    """A network that gives this class map (H, W), whatever it is asked."""
    logits = np.eye(len(CLASSES), dtype=np.float32)[class_map].transpose(2, 0, 1)[None]
    return Predictor("this", lambda batch: logits)


@pytest.fixture
def halves() -> np.ndarray:
    """Road to the left, vehicle to the right; one pixel of a pedestrian."""
    class_map = np.full((SIZE[1], SIZE[0]), labels.ROAD, np.uint8)
    class_map[:, 32:] = labels.VEHICLE
    class_map[0, 0] = labels.PEDESTRIAN
    return class_map


def sample(truth: np.ndarray | None = None, name: str = "one") -> Sample:
    return Sample(name, np.zeros((SIZE[1], SIZE[0], 3), np.uint8), truth)


def parity_of(found: Predictor, expected: Predictor, samples: list[Sample]) -> Parity:
    return compare(
        found, expected, samples, model="m", classes=CLASSES, size=SIZE, kind="fp32", limits=LIMITS["fp32"]
    )


def test_equal_networks_agree_in_everything(halves: np.ndarray) -> None:
    parity = parity_of(says(halves), says(halves), [sample(halves)])
    assert (parity.agreement, parity.failures) == (1, ())
    assert parity.iou == {"background": None, "road": 1, "vehicle": 1, "pedestrian": 1}
    assert parity.iou_change == {"background": None, "road": 0, "vehicle": 0, "pedestrian": 0}
    assert parity.rare == {"background", "pedestrian"}


def test_figures_are_those_of_the_pixels(halves: np.ndarray) -> None:
    """The exported one takes a quarter of the road for background."""
    found = halves.copy()
    found[:, 16:32] = labels.BACKGROUND
    truth = np.full_like(halves, labels.ROAD)
    parity = parity_of(says(found), says(halves), [sample(truth)])
    pixels, road = SIZE[0] * SIZE[1], 32 * 32 - 1
    assert parity.agreement == 1 - 512 / pixels
    assert parity.iou["road"] == pytest.approx((road - 512) / road)
    assert parity.iou["vehicle"] == 1
    assert parity.iou_change is not None
    assert parity.iou_change["road"] == pytest.approx(-512 / pixels)
    assert len(parity.failures) == 3


def test_the_worst_frame_is_named(halves: np.ndarray) -> None:
    answers = iter([halves, np.zeros_like(halves), halves])
    found = Predictor("this", lambda batch: says(next(answers)).infer(batch))
    parity = parity_of(found, says(halves), [sample(name=name) for name in ("a", "b", "c")])
    assert (parity.worst, parity.agreement_of) == ("b", {"a": 1, "b": 0, "c": 1})
    assert parity.iou_change is None
    assert any("on b it agrees on 0.00%" in failure for failure in parity.failures)


def test_a_class_that_frames_hardly_show_does_not_decide(halves: np.ndarray) -> None:
    found = halves.copy()
    found[0, 0] = labels.ROAD
    parity = parity_of(says(found), says(halves), [sample()])
    assert parity.iou["pedestrian"] == 0
    assert parity.failures == ()


def test_logits_that_are_no_numbers_fail(halves: np.ndarray) -> None:
    logits = says(halves).infer(np.zeros(0, np.uint8)).copy()
    logits[0, 0, 0, 0] = np.nan
    parity = parity_of(Predictor("this", lambda batch: logits), says(halves), [sample()])
    assert parity.failures == ("its logits are no finite numbers on one",)


def test_the_worst_comes_first(halves: np.ndarray) -> None:
    """Of 64 of 2048 pixels that are wrong, the class that they belong to suffers most."""
    found = halves.copy()
    found[:, 32:34] = labels.BACKGROUND
    parity = parity_of(says(found), says(halves), [sample()])
    assert parity.failures[0] == "its vehicle has an IoU of 0.938 with the reference's, not 0.990"
    assert len(parity.failures) == 3
    broken = Predictor("this", lambda batch: says(found).infer(batch) * np.float32(np.inf))
    with np.errstate(invalid="ignore"):
        parity = parity_of(broken, says(halves), [sample()])
    assert parity.failures[0] == "its logits are no finite numbers on one"


@pytest.mark.parametrize(
    ("advice", "told", "expected"),
    [
        ("", "", "and 2 more. Not kept: give a smaller --min-agreement if it is right for you all the same"),
        ("do this", "see F", "and 2 more (see F). Not kept: do this, or give a smaller --min-agreement if"),
    ],
)
def test_a_failure_is_a_short_line(halves: np.ndarray, advice: str, told: str, expected: str) -> None:
    found = halves.copy()
    found[:, 32:48] = labels.BACKGROUND
    with pytest.raises(ModelError) as caught:
        Gate(count=8, told=told).check(
            says(found), says(halves), model="m", classes=CLASSES, size=SIZE, kind="fp16", advice=advice
        )
    line = str(caught.value)
    assert line.startswith("m as this differs too much from this: its vehicle has an IoU of 0.500")
    assert expected in line
    assert len(line) < 240


def test_the_report_keeps_the_table(halves: np.ndarray) -> None:
    report = json.loads(parity_of(says(halves), says(halves), [sample(halves)]).to_json())
    assert set(report) == {
        *("schema", "model", "exported", "reference", "precision", "size", "passed", "failures", "limits"),
        *("agreement", "worst", "iou", "iou_change", "frames"),
    }
    assert report["passed"] is True
    assert report["iou"]["background"] is None


def test_a_wanted_agreement_moves_all_limits() -> None:
    assert Gate(agreement=1.0).limits("int8") == type(LIMITS["int8"])(1.0, 1.0, 1.0)
    assert Gate(agreement=0.0).limits("fp32") == type(LIMITS["fp32"])(0.0, 0.0, 0.0)
    twice = Gate(agreement=0.998).limits("fp32")
    assert (twice.agreement, twice.worst, twice.iou) == pytest.approx((0.998, 0.99, 0.98))


def test_demo_frames_come_with_their_truth_where_classes_fit() -> None:
    (first, _) = demo_samples((96, 64), 2, CLASSES)
    assert first.image_rgb.shape == (64, 96, 3)
    assert first.truth is not None
    assert (first.truth.shape, first.truth.max() > 0) == ((64, 96), True)
    (other,) = demo_samples((96, 64), 1, ("sky", "earth"))
    assert other.truth is None


def test_own_pictures_are_taken_evenly(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    for number in range(9):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture((50, 40), number))
    (tmp_path / "notes.txt").write_text("no picture")
    chosen = find_pictures(tmp_path, 3)
    assert [path.name for path in chosen] == ["0.png", "4.png", "8.png"]
    samples = list(folder_samples(chosen, (64, 32)))
    assert [each.image_rgb.shape for each in samples] == [(32, 64, 3)] * 3
    for folder in (tmp_path / "none", tmp_path / "empty"):
        if folder.name == "empty":
            folder.mkdir()
        with pytest.raises(DataError, match=str(folder)):
            find_pictures(folder, 3)


def test_the_reference_is_keras_where_the_weights_are(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_model / ONNX_FILE, tmp_path / ONNX_FILE)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    keras, onnx = open_reference(tiny_model, (64, 64)), open_reference(tmp_path, (64, 64))
    assert (keras.name, onnx.name) == ("Keras", "model.onnx on ONNX Runtime")
    np.testing.assert_allclose(keras.infer(image), onnx.infer(image), atol=5e-3)


def test_an_onnx_that_says_something_else_leaves_what_was_there(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversion is right, so here the reference is wrong."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_model, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def wrong(network: Any) -> Predictor:
        right = of_keras(network)
        return Predictor("Keras", lambda batch: -right.infer(batch))

    monkeypatch.setattr(onnx_module, "of_keras", wrong)
    seen: list[Parity] = []
    with pytest.raises(ModelError, match=r"tiny as ONNX differs too much from Keras: .* more\. Not kept"):
        export_onnx(folder, folder, Gate(count=2, tell=seen.append))
    assert len(seen[0].agreement_of) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_command_writes_a_report_and_fails_past_the_threshold(
    rtseg: Callable[..., Any], tiny_model: Path, tmp_path: Path, picture: Callable[..., np.ndarray]
) -> None:
    folder, frames, report = tmp_path / "model", tmp_path / "frames", tmp_path / "report.json"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns(WEIGHTS_FILE))
    frames.mkdir()
    cv2.imwrite(str(frames / "mine.png"), picture((64, 64), 3))
    options = ["export", "--model", folder, "--format", "int8", "--demo", 1, "--parity-frames", frames]
    options += ["--report", report]
    failed = rtseg(*options, "--min-agreement", 1)
    assert (failed.code, failed.out) == (2, "")
    assert "tiny as int8 ONNX differs too much from model.onnx on ONNX Runtime" in failed.err
    line = failed.err.splitlines()[-1]
    assert f"(see the table above and {report}). Not kept: calibrate with more pictures" in line
    assert "--precision" not in line
    assert not (folder / INT8_FILE).exists()
    assert INT8_FILE not in (folder / CARD_FILE).read_text()
    told = json.loads(report.read_text())
    assert (told["passed"], [each["frame"] for each in told["frames"]]) == (False, ["mine.png"])

    assert "exists already; add -y" in rtseg(*options, "--min-agreement", 0).err
    passed = rtseg(*options, "--min-agreement", 0, "-y")
    assert (passed.code, passed.out.split()) == (0, [str(folder / INT8_FILE), str(report)]), passed.err
    assert "worst frame: mine.png" in passed.err
    assert json.loads(report.read_text())["passed"] is True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--parity-frames {folder}/none", "no such folder; name one with pictures to compare on"),
        ("--report {folder}/no/report.json", "does not exist; make it with"),
        ("--precision fp16", "--precision says how an engine is built; add --format engine"),
        ("--size 64x64 --format int8 --demo 1", "--size says how an engine is built; add --format engine"),
        ("--format engine --demo 1", "--data and --demo calibrate an int8 network; add --format int8"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(
    rtseg: Callable[..., Any], tiny_model: Path, tmp_path: Path, options: str, message: str
) -> None:
    outcome = rtseg("export", "--model", tiny_model, "-o", tmp_path, *options.format(folder=tmp_path).split())
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert not list(tmp_path.iterdir())
