"""The model that ships, end to end: what its card and the README promise, measured again."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import rtseg
from rtseg import metrics
from rtseg.cli import main
from rtseg.data.data_set import open_data_set
from rtseg.data.demo import unseen_sample
from rtseg.evaluation.evaluate import evaluate_data_set
from rtseg.labels import CLASSES

REPOSITORY = Path(__file__).parents[1]


def test_demo_scenes_of_unseen_seeds_are_found_through_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, out, masks = (tmp_path / name for name in ("in", "out", "masks"))
    pictures.mkdir()
    truths = []
    for number in range(50):
        image_rgb, truth = unseen_sample(number)
        cv2.imwrite(str(pictures / f"{number:02d}.png"), image_rgb[..., ::-1])
        truths.append(truth)
    command = ["rtseg", "process", str(pictures), "-o", str(out), "--masks", str(masks)]
    monkeypatch.setattr(sys, "argv", command)
    main_code(main)
    capsys.readouterr()

    confusion = np.zeros((4, 4), np.int64)
    for number, truth in enumerate(truths):
        with av.open(str(masks / f"{number:02d}.png")) as container:
            frame = next(container.decode(video=0))
        indices = frame.to_ndarray()[0]
        confusion += metrics.confusion_matrix(truth, np.asarray(indices, np.uint8), len(CLASSES))
    assert len(list(out.iterdir())) == 50
    ious = dict(zip(CLASSES, metrics.iou_per_class(confusion).round(3).tolist(), strict=True))
    assert metrics.mean_iou(confusion) >= 0.84, ious


def main_code(entry: object) -> None:
    """Run the command line; anything but success fails the test."""
    assert callable(entry)
    try:
        entry()
    except SystemExit as ended:
        assert not ended.code, ended.code


def test_real_streets_are_found_as_well_as_the_card_says(shared: Path) -> None:
    data_set = open_data_set(shared / "data" / "camvid", "road-vehicle-pedestrian")
    with rtseg.load("street-m") as segmenter:
        promised = next(metric for metric in segmenter.card.metrics if metric.dataset == "camvid")
        measured = evaluate_data_set(segmenter, data_set, "val", lambda done, total: None)
    figures = measured.to_json("street-m")
    assert figures["mean_iou"] >= 0.83
    assert figures["mean_iou"] == pytest.approx(promised.mean_iou, abs=0.005)


def test_the_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 2
    image_rgb, _ = unseen_sample(1)
    cv2.imwrite(str(tmp_path / "street.jpg"), image_rgb[..., ::-1])
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], "README.md", "exec"), {})
    assert cv2.imread("overlay.png").shape == image_rgb.shape
    pytest.importorskip("keras", reason="needs Keras to build a network (pip install 'rtseg[train]')")
    built: dict[str, Any] = {}
    exec(compile(blocks[1], "README.md", "exec"), built)
    assert built["network"].output.shape[-1] == len(CLASSES)
