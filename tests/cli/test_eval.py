"""rtseg eval: its outputs, and what it says of options that make no sense."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clips import write_clip

from rtseg.card import ONNX_FILE, models_folder
from rtseg.labels import CLASSES

Rtseg = Callable[..., Any]
SHARES = {"iou", "boundary_iou"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_data_set: Callable[..., Path]) -> Path:
    """A folder to work in, with a data set and a video."""
    write_data_set(tmp_path / "data", size=(96, 64), val=3)
    write_clip(tmp_path / "clip.mp4", range(4))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def _report_libraries() -> None:
    for package in ("jinja2", "matplotlib"):
        pytest.importorskip(package, reason=f"needs {package} (pip install 'rtseg[train]')")


@pytest.mark.usefixtures("_report_libraries")
def test_figures_table_json_and_report_agree(rtseg: Rtseg, here: Path) -> None:
    outcome = rtseg("eval", "--data", "data", "--json", "out.json", "--report", "out")
    assert outcome.code == 0, outcome.err
    figures = json.loads((here / "out.json").read_text())
    assert figures["schema"] == 1
    assert all(set(figures[key]) == set(CLASSES) for key in SHARES)
    assert figures["confusion"]["classes"] == list(CLASSES)
    assert len(figures["worst"]) == 3
    assert sum(each["share"] for each in figures["calibration"]["bins"]) == pytest.approx(1, abs=1e-3)
    page = (here / "out" / "report.html").read_text(encoding="utf-8")
    for text in (outcome.out, page):
        assert "street-m on little, val" in text
        assert f"{figures['mean_iou']:.4f}" in text
        assert f"{figures['boundary_iou']['road']:.4f}" in text
        assert figures["worst"][0]["frame"] in text
    assert "rtseg eval --data data --json out.json --report out" in page
    assert f"Report: {Path('out', 'report.html')}" in outcome.err


def test_a_lone_onnx_file_with_a_card_can_be_evaluated(rtseg: Rtseg, here: Path) -> None:
    shutil.copy(models_folder() / "street-m" / ONNX_FILE, here / "lone.onnx")
    outcome = rtseg("eval", "--data", "data", "--model", "lone.onnx", "--only", "01")
    assert outcome.code == 0, outcome.err
    assert "street-m on little, val, 01" in outcome.out
    assert "1 frames" in outcome.err


def test_a_video_gives_its_steadiness(rtseg: Rtseg, here: Path) -> None:
    outcome = rtseg("eval", "--video", "clip.mp4", "--frames", 3, "--json", "out.json")
    assert outcome.code == 0, outcome.err
    figures = json.loads((here / "out.json").read_text())
    assert set(figures) == {
        "schema", "model", "video", "frames", "flow_size", "followed", "warped_iou", "warped_mean_iou",
        "warped_mean_iou_all", "flip_rate", "ms_per_frame", "backend", "precision",
    }  # fmt: skip
    assert (figures["video"], figures["frames"]) == ("clip.mp4", 3)
    assert f"{figures['flip_rate']:.4f}" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "name one of --data FOLDER, --demo NUMBER and --video FILE"),
        ("--data data --video clip.mp4", "name one of --data FOLDER, --demo NUMBER and --video FILE"),
        ("--demo 2 --only 0*", "--only chooses among the pictures of a data set"),
        ("--data data --frames 5", "--frames is for --video"),
        ("--video clip.mp4 --report out", "--report and --card are for figures with labels"),
        ("--video clip.mp4 --card", "--report and --card are for figures with labels"),
        ("--data data --only 0* --card", "--card is for figures of a whole split; leave --only out"),
        ("--data data --only 9*", "little, val: none of 3 pictures matches '9*'"),
        ("--data data --report full", "full: is not empty; add -y"),
        ("--data data --report none/out", "the folder none does not exist"),
        ("--data data --json full", "full: is a folder"),
        ("--video clap.mp4", "clap.mp4: no such file or folder; did you mean clip.mp4?"),
    ],
)
def test_what_makes_no_sense_is_one_line(rtseg: Rtseg, here: Path, arguments: str, message: str) -> None:
    outcome = rtseg("eval", *arguments.split())
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not (here / "out").exists()


@pytest.mark.usefixtures("_report_libraries")
@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_report_without_its_libraries_is_told_before_any_work(
    rtseg: Rtseg, here: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    outcome = rtseg("eval", "--data", "data", "--report", "out")
    assert outcome.code == 2
    assert f"a report needs the package {package!r}" in outcome.err
    assert "pip install 'rtseg[train]'" in outcome.err
    assert not (here / "out").exists()
