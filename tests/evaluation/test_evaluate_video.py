"""Steadiness on real video files without labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import write_clip

import rtseg
from rtseg.errors import ConfigError, DataError
from rtseg.evaluation.predictor import Predictor
from rtseg.evaluation.video import FLOW_WIDTH, VideoEvaluation, evaluate_video
from rtseg.video.demo.scene import DemoScene
from rtseg.video.demo.source import DemoSource
from rtseg.video.source import open_source

SIZE = (320, 192)
BRIGHT = 128


def pan(index: int) -> np.ndarray:
    """(H, W, 3): a camera that turns by 4 pixels a frame past a wall of soft spots."""
    noise = np.random.default_rng(0).integers(40, 216, (SIZE[1] // 12, 2 * SIZE[0] // 12), np.uint8)
    wall = cv2.resize(noise, (2 * SIZE[0], SIZE[1]), interpolation=cv2.INTER_CUBIC)
    return np.dstack([wall[:, 4 * index : 4 * index + SIZE[0]]] * 3)


class Bright:
    """What is bright is of class 1, so classes move with the picture; every `flaw`-th frame is all dark."""

    name = "bright"
    classes = ("dark", "bright")

    def __init__(self, flaw: int = 1000) -> None:
        self._flaw = flaw
        self._seen = 0

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        self._seen += 1
        bright = np.float32(image_rgb[..., 1] > BRIGHT)
        if self._seen % self._flaw == 0:
            bright[:] = 0
        return np.stack([1 - bright, bright])


def evaluated(predictor: Predictor, path: Path, frames: int | None = None) -> VideoEvaluation:
    with open_source(str(path)) as source:
        return evaluate_video(predictor, source, frames, lambda done, total: None)


def test_what_moves_with_the_picture_is_steady_and_what_flickers_is_not(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "pan.mp4", range(6), picture=pan)
    steady = evaluated(Bright(), clip).to_json("bright")
    flickering = evaluated(Bright(flaw=3), clip).to_json("bright")
    assert (steady["frames"], steady["flow_size"]) == (6, list(SIZE))
    assert steady["followed"] == flickering["followed"] > 0.7
    assert steady["flip_rate"] < 0.04
    assert steady["warped_iou"]["bright"] > 0.9
    # Frame 2 and frame 5 are all dark: 3 of 5 neighbours differ wherever it is bright.
    assert flickering["flip_rate"] > 0.2
    assert flickering["warped_mean_iou"] < 0.6


def test_a_network_sees_the_video_as_it_does_when_it_runs(tmp_path: Path) -> None:
    scene = DemoScene((640, 360), 1)
    clip = write_clip(tmp_path / "street.mp4", range(4), picture=lambda i: scene.picture(i / 25)[..., ::-1])
    with rtseg.load("street-m", precision="f32", threads=1) as segmenter:
        evaluation = evaluated(segmenter, clip, 3)
    figures = evaluation.to_json("street-m")
    assert (figures["frames"], figures["flow_size"]) == (3, [FLOW_WIDTH, 288])
    assert figures["flip_rate"] < 0.05
    assert figures["warped_iou"]["road"] > 0.9


def test_one_frame_has_no_neighbour(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has one frame"):
        evaluated(Bright(), write_clip(tmp_path / "one.mp4", range(1), picture=pan))


def test_pictures_of_other_shapes_cannot_be_followed(tmp_path: Path) -> None:
    for number, size in enumerate([(64, 48), (64, 48), (64, 64)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((size[1], size[0], 3), np.uint8))
    with pytest.raises(DataError, match="frame 2 is 64x64, those before are of another shape"):
        evaluated(Bright(), tmp_path)


def test_what_has_no_end_needs_a_number() -> None:
    with pytest.raises(ConfigError, match="demo: has no end; say with --frames"):
        evaluate_video(Bright(), DemoSource((64, 64)), None, lambda done, total: None)
