"""A picture in, a class map of its size out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import rtseg
from rtseg import postprocess
from rtseg.card import ONNX_FILE, models_folder
from rtseg.errors import ConfigError
from rtseg.frame import Frame


@pytest.fixture(scope="module")
def segmenter(tiny_model: Path) -> Iterator[rtseg.Segmenter]:
    with rtseg.load(str(tiny_model), precision="f32") as opened:
        yield opened


@pytest.mark.parametrize("size", [(64, 64), (101, 67), (1, 1), (37, 500), (500, 37), (1280, 720)])
def test_a_class_map_has_the_size_of_its_picture(
    segmenter: rtseg.Segmenter, size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    class_map = segmenter(picture(size, 1))
    assert class_map.shape == (size[1], size[0])
    assert class_map.dtype == np.uint8
    assert class_map.max() < len(segmenter.card.classes)


def test_the_same_picture_ten_times_larger_has_the_same_classes(
    segmenter: rtseg.Segmenter, picture: Callable[..., np.ndarray]
) -> None:
    small = picture((64, 64), 4)
    large = small.repeat(10, axis=0).repeat(10, axis=1)  # averaged, it is the small one to the last bit
    found = segmenter(small)
    assert len(np.unique(found)) > 1
    assert np.mean(found == segmenter(large)[5::10, 5::10]) > 0.95


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
    ],
    ids=["float", "grey", "alpha", "batch"],
)
def test_what_is_no_picture_is_refused_with_what_was_expected(segmenter: rtseg.Segmenter, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="expected uint8"):
        segmenter(wrong)


@pytest.mark.parametrize("wrong", [None, np.zeros((0, 8, 3), np.uint8)], ids=["unreadable", "empty"])
def test_no_picture_at_all_is_refused_too(segmenter: rtseg.Segmenter, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="expected uint8"):
        segmenter(wrong)


def test_planes_and_the_picture_made_of_them_have_the_same_classes(shared: Path) -> None:
    if not (models_folder() / "street-m" / ONNX_FILE).is_file():
        pytest.skip("needs models/street-m, which is not in this checkout")
    path = next((shared / "data/camvid/val/images").iterdir())
    yuv = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2YUV_I420)
    bgr = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
    height, width = bgr.shape[:2]
    luma, u, v = np.split(yuv.ravel(), [height * width, height * width * 5 // 4])
    half = (height // 2, width // 2)
    planes = (luma.reshape(height, width), u.reshape(half), v.reshape(half))
    with rtseg.load("street-m") as segmenter:
        found = [
            postprocess.class_map(segmenter.segment(frame).logits, (width, height))
            for frame in (Frame("yuv420p", planes, 0, 0), Frame("bgr24", (bgr,), 0, 0))
        ]
    assert len(np.unique(found[1])) > 1
    assert np.mean(found[0] == found[1]) >= 0.97


def test_a_segmentation_carries_its_frame_and_the_time_of_each_step(
    segmenter: rtseg.Segmenter, picture: Callable[..., np.ndarray]
) -> None:
    frame = Frame("bgr24", (picture((128, 128), 1),), index=41, captured_ns=5)
    result = segmenter.segment(frame)
    assert result.frame is frame
    assert result.logits.shape == (4, 16, 16)
    assert result.preprocess_ns > 0
    assert result.inference_ns > 0


def test_unscaled_segmentation_sees_each_pixel_at_its_own_resolution(
    segmenter: rtseg.Segmenter, picture: Callable[..., np.ndarray]
) -> None:
    image = picture((128, 96), 3)
    expected = postprocess.class_map(segmenter.infer(image), (128, 96))
    np.testing.assert_array_equal(segmenter.segment_unscaled(image), expected)
    cut = segmenter.segment_unscaled(image[:90, :101])
    assert cut.shape == (90, 101)
    assert np.mean(cut == expected[:90, :101]) > 0.6  # what was cut off was seen by the network before
