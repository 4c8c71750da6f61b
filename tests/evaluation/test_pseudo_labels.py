"""Pseudo-labels: what teachers are sure of, and nothing else, as a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import write_clip

import rtseg
from rtseg.data.data_set import DataSet, open_data_set
from rtseg.errors import ConfigError, SourceError
from rtseg.evaluation.evaluate import evaluate_data_set
from rtseg.evaluation.predictor import Predictor
from rtseg.evaluation.pseudo_labels import LabelConfig, Labelled, combine, confident, label
from rtseg.frame import Frame
from rtseg.labels import CLASSES, IGNORE
from rtseg.metrics import mean_iou
from rtseg.video.demo.scene import DemoScene
from rtseg.video.source import BaseSource, open_source

MAP = "road-vehicle-pedestrian"
COLOURS = np.array([[40, 40, 40], [220, 220, 220], [30, 60, 230], [240, 60, 20]], np.uint8)


class ByColour:
    """Says what the nearest colour says; less surely where the class is one of which it is unsure."""

    def __init__(
        self, name: str = "by-colour", *, sure: float = 0.94, unsure: float = 0.7, of: int | None = None
    ) -> None:
        self.name = name
        self.classes: tuple[str, ...] = CLASSES
        self._certainty = np.where(np.arange(4) == of, unsure, sure)

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(image_rgb[..., None, :].astype(int) - COLOURS.astype(int), axis=-1)
        best = distance.argmin(axis=-1)
        certainty = self._certainty[best]
        shares = np.repeat((1 - certainty)[None] / 3, 4, axis=0)
        np.put_along_axis(shares, best[None], certainty[None], axis=0)
        return np.asarray(shares, np.float32)


class Contrary(ByColour):
    """Takes vehicles for pedestrians."""

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        shares = super().probabilities(image_rgb)
        vehicle = shares.argmax(axis=0) == 2
        shares[2:, vehicle] = shares[[3, 2]][:, vehicle]
        return shares


class OnlyVehicles(ByColour):
    """Knows of vehicles alone; of the rest it says nonsense."""

    known_classes = ("vehicle",)

    def __init__(self, share: float) -> None:
        super().__init__("only-vehicles")
        self._share = share

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        rest = 1 - self._share
        return np.stack(
            [np.full(image_rgb.shape[:2], share, np.float32) for share in (rest, 0, self._share, 0)]
        )


class LeftIsRoad(ByColour):
    """Judges by the place in the picture, which a mirror image turns round."""

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        shares = np.zeros((4, *image_rgb.shape[:2]), np.float32)
        half = image_rgb.shape[1] // 2
        shares[1, :, :half] = shares[0, :, half:] = 1
        return shares


@pytest.fixture
def truth() -> np.ndarray:
    blocks = np.random.default_rng(2).permutation(np.resize(np.arange(4, dtype=np.uint8), 12)).reshape(3, 4)
    return np.asarray(cv2.resize(blocks, (96, 72), interpolation=cv2.INTER_NEAREST), np.uint8)


@pytest.fixture
def pictures(tmp_path: Path, truth: np.ndarray) -> Path:
    """Seven pictures 00 to 06 whose colours say their classes; those of odd numbers are mirrored."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(7):
        image = COLOURS[truth][:, :: (-1) ** number]
        cv2.imwrite(str(folder / f"{number:02}.png"), np.ascontiguousarray(image[..., ::-1]))
    return folder


def labelled(
    source: Path, out: Path, *teachers: Predictor, config: LabelConfig | None = None
) -> tuple[DataSet, Labelled]:
    with open_source(str(source)) as opened:
        result = label([opened], teachers, out, config or LabelConfig())
    return open_data_set(out, MAP), result


def test_what_teachers_agree_on_becomes_a_data_set(pictures: Path, tmp_path: Path, truth: np.ndarray) -> None:
    data_set, result = labelled(
        pictures, tmp_path / "out", ByColour(), ByColour("other"), config=LabelConfig(license="CC BY 4.0")
    )
    assert (data_set.name, data_set.license, data_set.classes) == ("out", "CC BY 4.0", CLASSES)
    assert data_set.splits == ["train"]
    names = [sample.image_path.name for sample in data_set.samples("train")]
    assert names == [f"00-{number:02}.jpg" for number in range(7)]
    for number, (_, image, class_map) in enumerate(data_set.pairs("train")):
        expected = truth[:, :: (-1) ** number]
        np.testing.assert_array_equal(class_map, expected)
        assert np.abs(image.astype(int) - COLOURS[expected]).mean() < 6
    assert result.pictures == 7
    np.testing.assert_array_equal(result.pixels, 7 * np.bincount(truth.ravel(), minlength=4))
    assert result.pixels_in_all == 7 * truth.size


@pytest.mark.parametrize(("keep", "kept"), [(0.95, set()), (0.9, {0, 1, 3}), (0.7, {0, 1, 2, 3})])
def test_only_what_is_sure_enough_is_kept(
    pictures: Path, tmp_path: Path, truth: np.ndarray, keep: float, kept: set[int]
) -> None:
    teacher = ByColour(unsure=0.75, of=2)
    data_set, result = labelled(pictures, tmp_path / "out", teacher, config=LabelConfig(keep, every=7))
    ((_, _, class_map),) = data_set.pairs("train")
    np.testing.assert_array_equal(class_map, np.where(np.isin(truth, list(kept)), truth, IGNORE))
    assert set(np.flatnonzero(result.pixels).tolist()) == kept


def test_where_teachers_differ_nothing_is_labelled(pictures: Path, tmp_path: Path, truth: np.ndarray) -> None:
    data_set, _ = labelled(pictures, tmp_path / "out", ByColour(), Contrary(), config=LabelConfig(every=7))
    ((_, _, class_map),) = data_set.pairs("train")
    np.testing.assert_array_equal(class_map, np.where(truth == 2, IGNORE, truth))


def test_where_one_teacher_is_not_sure_the_other_alone_is_not_enough(
    pictures: Path, tmp_path: Path, truth: np.ndarray
) -> None:
    hesitant = ByColour("hesitant", unsure=0.8, of=1)
    data_set, _ = labelled(pictures, tmp_path / "out", ByColour(), hesitant, config=LabelConfig(every=7))
    ((_, _, class_map),) = data_set.pairs("train")
    np.testing.assert_array_equal(class_map, np.where(truth == 1, IGNORE, truth))


def test_a_teacher_of_some_classes_is_asked_about_these_alone(truth: np.ndarray) -> None:
    image = COLOURS[truth]
    alone = combine([ByColour()], image)
    for share in (0.0, 0.4, 1.0):
        mean = combine([ByColour(), OnlyVehicles(share)], image)
        np.testing.assert_allclose(mean[2], (alone[2] + share) / 2, atol=1e-6)
        np.testing.assert_allclose(mean.sum(axis=0), 1, atol=1e-5)
        # What is left goes to the others as the teacher who knows them has it.
        np.testing.assert_allclose(mean[[0, 1, 3]] / mean[0], alone[[0, 1, 3]] / alone[0], rtol=1e-4)


def test_a_teacher_sees_each_picture_and_its_mirror_image(truth: np.ndarray) -> None:
    mean = combine([LeftIsRoad()], COLOURS[truth])
    np.testing.assert_array_equal(mean[:2], np.full((2, *truth.shape), 0.5))
    np.testing.assert_array_equal(combine([ByColour()], COLOURS[truth]).argmax(axis=0), truth)
    assert (confident(mean, 0.6) == IGNORE).all()


def test_white_balance_takes_out_a_cast(pictures: Path, tmp_path: Path) -> None:
    for path in pictures.iterdir():
        image = cv2.imread(str(path)).astype(float) * (0.5, 0.8, 1.0)
        cv2.imwrite(str(path), image.astype(np.uint8))
    spreads = []
    for balance in (False, True):
        config = LabelConfig(every=7, white_balance=balance)
        data_set, _ = labelled(pictures, tmp_path / f"out-{balance}", ByColour(), config=config)
        ((_, image, _),) = data_set.pairs("train")
        spreads.append(float(np.ptp(image.reshape(-1, 3).mean(axis=0))))
    assert spreads[0] > 30
    assert spreads[1] < 4


def test_large_pictures_are_shrunk_and_small_ones_left(tmp_path: Path, truth: np.ndarray) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, size in (("large", (400, 300)), ("high", (90, 300)), ("small", (64, 48))):
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(COLOURS[truth], size))
    config = LabelConfig(longest_side=100)
    data_set, _ = labelled(folder, tmp_path / "out", ByColour(), config=config)
    shapes = {
        sample.image_path.stem: (image.shape[1::-1], class_map.shape[::-1])
        for sample, image, class_map in data_set.pairs("train")
    }
    expected = {"00-large": (100, 75), "00-high": (30, 100), "00-small": (64, 48)}
    assert shapes == {name: (size, size) for name, size in expected.items()}


def test_every_third_frame_of_a_video_is_taken(tmp_path: Path) -> None:
    clip = write_clip(
        tmp_path / "in.mp4", range(8), picture=lambda index: np.full((48, 64, 3), 30 * index, np.uint8)
    )
    data_set, result = labelled(clip, tmp_path / "out", ByColour(), config=LabelConfig(every=3))
    loaded = list(data_set.pairs("train"))
    assert [sample.image_path.stem for sample, _, _ in loaded] == ["00-000000", "00-000003", "00-000006"]
    for index, (_, image, _) in zip((0, 3, 6), loaded, strict=True):
        assert abs(image.mean() - 30 * index) < 8
    assert result.pictures == 3


def test_several_sources_keep_their_pictures_apart(pictures: Path, tmp_path: Path) -> None:
    with open_source(str(pictures)) as one, open_source(str(pictures / "00.png")) as other:
        result = label([one, other], [ByColour()], tmp_path / "out", LabelConfig(every=4))
    stems = {path.stem for path in (tmp_path / "out/train/labels").iterdir()}
    assert stems == {"00-00", "00-04", "01-00"}
    assert result.pictures == 3


def test_a_pseudo_labelled_data_set_can_be_evaluated_and_trained_on(pictures: Path, tmp_path: Path) -> None:
    data_set, _ = labelled(pictures, tmp_path / "out", ByColour())
    evaluation = evaluate_data_set(ByColour(), data_set, "train", lambda done, total: None)
    assert mean_iou(evaluation.confusion) > 0.98
    pytest.importorskip("keras", reason="needs Keras to train (pip install 'rtseg[train]')")
    from little_runs import little

    from rtseg.training.batches import TrainingBatches, training_shares

    config = little(data_set.root, tmp_path / "run", data={data_set.root: 1})
    images, targets = TrainingBatches(config, training_shares(config, [data_set]))[0]
    assert images.shape == (2, 64, 64, 3)
    assert set(np.unique(targets["class_map"])) & {0, 1, 2, 3}


def test_a_network_labels_what_it_sees_and_is_right_where_it_is_sure(tmp_path: Path) -> None:
    scene = DemoScene((320, 192), 5)
    picture_bgr, truth = scene.render(3.0)
    cv2.imwrite(str(tmp_path / "street.png"), picture_bgr)
    with rtseg.load("street-m", precision="f32", threads=1) as teacher:
        data_set, result = labelled(tmp_path / "street.png", tmp_path / "out", teacher, teacher)
    ((_, _, class_map),) = data_set.pairs("train")
    counted = class_map != IGNORE
    assert 0.5 < counted.mean() < 1
    assert (class_map == truth)[counted].mean() > 0.95
    assert result.pixels[1] > 0.1 * truth.size


class Broken(BaseSource):
    """Gives two frames, then fails."""

    def frames(self) -> Iterator[Frame]:
        for index in range(2):
            yield Frame("bgr24", (np.zeros((64, 64, 3), np.uint8),), index=index, captured_ns=0)
        raise SourceError("the cable was pulled")


class Endless(BaseSource):
    """Says that it is live, as cameras do."""

    live = True

    def frames(self) -> Iterator[Frame]:
        raise AssertionError("nobody asks it for frames")


def test_an_interruption_leaves_what_was_there(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cable"):
        label([Broken("broken")], [ByColour()], tmp_path / "out", LabelConfig())
    assert list((tmp_path / "out").iterdir()) == []
    labelled(pictures, tmp_path / "out", ByColour())
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    with pytest.raises(SourceError, match="cable"):
        label([Broken("broken")], [ByColour()], tmp_path / "out", LabelConfig())
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == before


def test_new_labels_take_the_place_of_all_the_old_ones(pictures: Path, tmp_path: Path) -> None:
    old, _ = labelled(pictures, tmp_path / "out", ByColour())
    assert len(old.samples("train")) > 1
    new, _ = labelled(pictures, tmp_path / "out", ByColour(), config=LabelConfig(every=100))
    assert len(new.samples("train")) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset.toml", "train"]


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="front: is live, and labelling would never end; record it first"):
        label([Endless("front")], [ByColour()], tmp_path / "out", LabelConfig())
    assert not (tmp_path / "out").exists()


def other_classes() -> Predictor:
    teacher = ByColour("other")
    teacher.classes = ("a", "b")
    return teacher


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [], "no teacher; name at least one"),
        (
            lambda: [ByColour(), other_classes()],
            "by-colour and other have different classes: background, .*; a, b",
        ),
        (lambda: [OnlyVehicles(0.9)], "no teacher knows all of the classes"),
    ],
)
def test_teachers_that_do_not_go_together_are_refused(
    pictures: Path, tmp_path: Path, make: Callable[[], list[Predictor]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        labelled(pictures, tmp_path / "out", *make())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0.0}, r"keep is 0\.0; it is a probability: above 0, at most 1"),
        ({"keep": 1.5}, r"keep is 1\.5"),
        ({"keep": float("nan")}, "keep is nan"),
        ({"every": 0}, "every is 0; it must be at least 1"),
        ({"longest_side": 63}, "longest side is 63 pixels; it must be at least 64"),
    ],
)
def test_a_wish_that_makes_no_sense_is_told(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LabelConfig(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ['two "words"', "🚗 ü", "[a]\\b"])
def test_names_are_names(pictures: Path, tmp_path: Path, name: str) -> None:
    config = LabelConfig(every=7, license=name)
    data_set, _ = labelled(pictures, tmp_path / name, ByColour(), config=config)
    assert (data_set.name, data_set.license) == (name, name)
