"""What an evaluation counts, of predictors whose figures are known beforehand and of a real network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import rtseg
from rtseg import metrics, preprocess
from rtseg.data.data_set import DataSet, open_data_set
from rtseg.errors import DataError
from rtseg.evaluation.evaluate import Evaluation, evaluate_data_set, evaluate_demo
from rtseg.evaluation.predictor import Predictor, predict
from rtseg.evaluation.tally import WORST
from rtseg.labels import CLASSES

MAP = "road-vehicle-pedestrian"
SIZE = (72, 60)


class ByColor:
    """Knows the classes of the little data set by its colours, with a confidence of 0.7; but sees no lorries,
    which it takes for road."""

    name = "by-color"
    classes: tuple[str, ...] = CLASSES
    class_of_lorry = 1

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        class_of_blue = {0: 0, 3: 1, 7: 2, 8: self.class_of_lorry, 9: 3, 200: 1}
        class_map = np.vectorize(class_of_blue.get)(image_rgb[..., 2])
        return np.stack([np.where(class_map == index, 0.7, 0.1) for index in range(4)]).astype(np.float32)


@pytest.fixture
def data_set(tmp_path: Path, write_data_set: Callable[..., Path]) -> DataSet:
    return open_data_set(write_data_set(tmp_path / "little", size=SIZE, val=13), MAP)


@pytest.fixture(scope="module")
def segmenter() -> Iterator[rtseg.Segmenter]:
    with rtseg.load("street-m", precision="f32", threads=1) as opened:
        yield opened


def evaluated(predictor: Predictor, data_set: DataSet, **options: str) -> Evaluation:
    return evaluate_data_set(predictor, data_set, "val", lambda done, total: None, **options)


def test_figures_of_a_predictor_with_one_flaw(data_set: DataSet) -> None:
    figures = evaluated(ByColor(), data_set).to_json("by-color")
    # Each raw id has 6 of the 36 blocks of a picture; lorries are half of the vehicles.
    assert figures["iou"] == {"background": 1, "road": 0.5, "vehicle": 0.5, "pedestrian": 1}
    assert (figures["mean_iou"], figures["mean_iou_all"]) == (0.66667, 0.75)
    assert figures["pixel_accuracy"] == 0.8
    block = 13 * 6 * (SIZE[0] // 6) * (SIZE[1] // 6)
    assert figures["confusion"] == {
        "classes": list(CLASSES),
        "pixels": [[block, 0, 0, 0], [0, block, 0, 0], [0, block, block, 0], [0, 0, 0, block]],
    }
    assert figures["calibration"]["bins"] == [{"confidence": 0.7, "accuracy": 0.8, "share": 1}]
    assert figures["calibration"]["ece"] == pytest.approx(0.1, abs=1e-5)
    assert figures["boundary_iou"]["pedestrian"] == 1
    assert 0 < figures["boundary_iou"]["road"] < 1
    assert figures["frames"] == 13
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_a_perfect_prediction_is_one_everywhere(data_set: DataSet) -> None:
    class Perfect(ByColor):
        class_of_lorry = 2

    figures = evaluated(Perfect(), data_set).to_json("perfect")
    assert set(figures["iou"].values()) == set(figures["boundary_iou"].values()) == {1}


def test_the_worst_frames_come_first(data_set: DataSet) -> None:
    marked = {"04": 0.9, "11": 0.5}
    for name, share in marked.items():
        path = data_set.root / "val" / "images" / f"{name}.png"
        image = cv2.imread(str(path))
        image[: int(share * len(image))] = 0  # which is the colour of background
        cv2.imwrite(str(path), image)
    evaluation = evaluated(ByColor(), data_set)
    worst = evaluation.to_json("by-color")["worst"]
    assert [each["frame"] for each in worst[:3]] == ["04", "11", "00"]
    assert len(worst) == WORST
    means = [each["mean_iou"] for each in worst]
    assert means == sorted(means)
    assert means[-1] == 0.66667
    assert worst[0]["iou"]["background"] < 0.5
    assert [len(score.ious) for score in evaluation.tally.scores] == [4] * 13


def test_only_the_matching_pictures_are_evaluated(data_set: DataSet) -> None:
    evaluation = evaluated(ByColor(), data_set, only="1*")
    assert [score.name for score in evaluation.tally.scores] == ["10", "11", "12"]
    assert evaluation.to_json("by-color")["only"] == "1*"


@pytest.mark.parametrize("pattern", ["drive7_*", "1", "10.png", ""])
def test_a_pattern_that_matches_nothing_is_told(data_set: DataSet, pattern: str) -> None:
    with pytest.raises(DataError, match=r"none of 13 pictures matches .*from 00 to 12"):
        evaluated(ByColor(), data_set, only=pattern)


def test_other_classes_are_told(data_set: DataSet) -> None:
    with pytest.raises(DataError, match="has the classes still, moving; the model by-color knows background"):
        evaluated(ByColor(), open_data_set(data_set.root, "all"))


def test_a_split_of_nothing_but_background_has_no_mean_and_no_card(data_set: DataSet) -> None:
    for part in ("images", "labels"):
        for path in (data_set.root / "val" / part).iterdir():
            cv2.imwrite(str(path), np.zeros((*SIZE, 3) if part == "images" else SIZE, np.uint8))
    evaluation = evaluated(ByColor(), data_set)
    figures = evaluation.to_json("by-color")
    assert (figures["mean_iou"], figures["mean_iou_all"], figures["worst"]) == (None, 1, [])
    json.dumps(figures, allow_nan=False)
    with pytest.raises(DataError, match="nothing but background"):
        evaluation.to_metric("rtseg eval")


@pytest.mark.parametrize("size", [(96, 64), (101, 67)])
def test_a_network_is_judged_by_its_own_class_maps(
    segmenter: rtseg.Segmenter, size: tuple[int, int], picture: Callable[..., np.ndarray]
) -> None:
    image = picture(size, 3)
    prediction = predict(segmenter, image)
    np.testing.assert_array_equal(prediction.class_map, segmenter.segment_unscaled(image))
    np.testing.assert_array_equal(prediction.probabilities, segmenter.probabilities(image))
    stretched = predict(segmenter, image, stretched=True)
    np.testing.assert_array_equal(stretched.class_map, segmenter(image[..., ::-1].copy()))
    assert stretched.probabilities.shape == prediction.probabilities.shape == (4, size[1], size[0])


def test_probabilities_are_the_softmax_of_the_upsampled_logits(
    segmenter: rtseg.Segmenter, picture: Callable[..., np.ndarray]
) -> None:
    image = picture((101, 67), 5)
    padded = preprocess.pad_to_multiple(image, 32)
    logits = segmenter.infer(padded)
    upsampled = np.stack([cv2.resize(plane, (padded.shape[1], padded.shape[0])) for plane in logits])
    expected = np.exp(upsampled.astype(np.float64))
    expected = (expected / expected.sum(axis=0))[:, :67, :101]
    found = segmenter.probabilities(image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)


def test_demo_scenes_are_evaluated_as_a_video_is_seen(segmenter: rtseg.Segmenter) -> None:
    evaluation = evaluate_demo(segmenter, 2, lambda done, total: None)
    assert [score.name for score in evaluation.tally.scores] == ["scene 0", "scene 1"]
    assert metrics.mean_iou(evaluation.confusion) > 0.7
    assert evaluation.to_json("street-m")["calibration"]["ece"] < 0.1
