"""What an epoch shows: each picture as often as asked for, and the same again from the same seed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from little_runs import little

import rtseg
from rtseg.data.data_set import open_data_set
from rtseg.errors import ConfigError, DataError
from rtseg.labels import BACKGROUND, IGNORE
from rtseg.training.batches import TrainingBatches, training_shares
from rtseg.training.config import TrainConfig

PICTURES = 6


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory, write_data_set: Callable[..., Path]) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("data")
    return write_data_set(folder / "one", train=PICTURES), write_data_set(folder / "two", train=PICTURES)


@pytest.fixture
def make(roots: tuple[Path, Path], tmp_path: Path) -> Callable[..., TrainingBatches]:
    """make(weights of one and two, configuration...) -> its batches."""

    def call(*weights: float, teacher: rtseg.Segmenter | None = None, **changes: Any) -> TrainingBatches:
        chosen = dict(zip(roots, weights or (1,), strict=False))
        config = little(roots[0], tmp_path / "run", data=chosen, **changes)
        return TrainingBatches(config, shares_of(config), teacher)

    return call


def shares_of(config: TrainConfig) -> Any:
    return training_shares(config, [open_data_set(root, config.class_map) for root in config.data])


def shown(batches: TrainingBatches) -> Counter[tuple[str, str]]:
    """How often each picture comes up in the epoch: (data set, name), or demo for all demo scenes."""
    counts: Counter[tuple[str, str]] = Counter()
    for drawn in batches.drawn:
        counts[(drawn[0].root.name, drawn[1].image_path.stem) if drawn else ("demo", "")] += 1
    return counts


def test_a_batch_is_pictures_and_their_class_maps(make: Callable[..., TrainingBatches]) -> None:
    batches = make(size=(96, 64))
    assert len(batches) == 3
    images, targets = batches[0]
    assert (images.shape, images.dtype) == ((2, 64, 96, 3), np.uint8)
    assert (targets["class_map"].shape, targets["class_map"].dtype) == ((2, 64, 96), np.uint8)
    assert set(targets) == {"class_map"}


def test_each_picture_comes_as_often_as_its_data_set_weighs(make: Callable[..., TrainingBatches]) -> None:
    counts = shown(make(1, 2))
    assert {name: count for (name, _), count in counts.items()} == {"one": 1, "two": 2}
    assert len(counts) == 2 * PICTURES


def test_half_a_weight_is_half_the_pictures_and_all_of_them_in_time(
    make: Callable[..., TrainingBatches],
) -> None:
    batches = make(1, 0.5)
    seen: Counter[tuple[str, str]] = Counter()
    for epoch in range(40):
        batches.start_epoch(epoch)
        counts = shown(batches)
        assert set(counts.values()) == {1}
        assert sum(name == "two" for name, _ in counts) == PICTURES // 2
        seen += counts
    rest = [count for (name, _), count in seen.items() if name == "two"]
    assert len(rest) == PICTURES
    assert min(rest) > 10


def test_one_and_a_half_is_each_once_and_half_of_them_twice(make: Callable[..., TrainingBatches]) -> None:
    assert sorted(shown(make(1.5)).values()) == [1, 1, 1, 2, 2, 2]


def test_a_tiny_weight_still_shows_one(make: Callable[..., TrainingBatches]) -> None:
    assert sum(name == "two" for name, _ in shown(make(1, 0.01))) == 1


@pytest.mark.parametrize(("share", "scenes"), [(0.0, 0), (0.25, 2), (0.5, 6), (0.75, 18)])
def test_demo_scenes_are_the_share_asked_for(
    make: Callable[..., TrainingBatches], share: float, scenes: int
) -> None:
    counts = shown(make(demo_share=share))
    assert counts["demo", ""] == scenes
    assert sum(counts.values()) == PICTURES + scenes


def test_a_demo_scene_is_a_sample_like_others(make: Callable[..., TrainingBatches]) -> None:
    batches = make(demo_share=0.9, batch=4)
    images, targets = batches[0]
    assert images.shape == (4, 64, 64, 3)
    assert images.std() > 10
    assert len(np.unique(targets["class_map"])) > 1


def test_what_is_held_out_is_not_shown(make: Callable[..., TrainingBatches]) -> None:
    assert {name for _, name in shown(make(hold_out=("00", "0[34]")))} == {"01", "02", "05"}


def test_holding_out_everything_is_refused(make: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(ConfigError, match=r"one: hold_out zz, 0\* leaves no picture"):
        make(hold_out=("zz", "0*"))


def test_the_same_seed_gives_the_same_epoch_and_another_another(make: Callable[..., TrainingBatches]) -> None:
    one, again, other = (make(seed=seed, demo_share=0.2) for seed in (3, 3, 4))
    for index in range(len(one)):
        np.testing.assert_array_equal(one[index][0], again[index][0])
        np.testing.assert_array_equal(one[index][1]["class_map"], again[index][1]["class_map"])
    assert not np.array_equal(one[0][0], other[0][0])


def test_a_resumed_epoch_is_the_one_that_would_have_come(make: Callable[..., TrainingBatches]) -> None:
    through, resumed = make(1, 0.5, seed=3), make(1, 0.5, seed=3)
    first = through[0][0]
    through.start_epoch(1)
    resumed.start_epoch(1)
    assert shown(through) == shown(resumed)
    np.testing.assert_array_equal(through[1][0], resumed[1][0])
    assert not np.array_equal(through[0][0], first)


def test_the_last_epochs_are_calm(make: Callable[..., TrainingBatches]) -> None:
    calm, wild = make(epochs=2, calm_epochs=1, batch=6), make(epochs=2, batch=6)
    np.testing.assert_array_equal(calm[0][0], wild[0][0])
    for batches in (calm, wild):
        batches.start_epoch(1)
    assert shown(calm) == shown(wild)
    assert not np.array_equal(calm[0][0], wild[0][0])


def test_a_batch_larger_than_the_epoch_is_refused(make: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(ConfigError, match="batch is 7, but an epoch has 6 samples; take a smaller batch"):
        make(batch=7)


def test_a_broken_picture_is_named(tmp_path: Path, write_data_set: Callable[..., Path]) -> None:
    root = write_data_set(tmp_path / "broken", train=2)
    config = little(root, tmp_path / "run")
    batches = TrainingBatches(config, shares_of(config))
    (root / "train/images/01.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=re.escape("01.png: cannot be read")) as caught:
        batches[0]
    assert batches.error is caught.value


@pytest.fixture(scope="module")
def teachers() -> Iterator[list[rtseg.Segmenter]]:
    opened = [rtseg.load("street-m", precision="f32", threads=1) for _ in range(2)]
    yield opened
    for each in opened:
        each.close()


def test_the_teacher_says_what_it_says_of_the_very_images(
    make: Callable[..., TrainingBatches], teachers: list[rtseg.Segmenter]
) -> None:
    batches = make(size=(96, 64), teacher=teachers[0])
    images, targets = batches[0]
    _, later = batches[1]
    assert (targets["teacher"].shape, targets["teacher"].dtype) == ((2, 16, 24, 4), np.float32)
    expected = [teachers[1].infer(image) for image in images]
    np.testing.assert_allclose(targets["teacher"].transpose(0, 3, 1, 2), expected, rtol=1e-3, atol=1e-3)
    assert not np.allclose(targets["teacher"], later["teacher"], atol=0.1)


def test_a_bonnet_counts_nowhere_where_there_is_no_background(make: Callable[..., TrainingBatches]) -> None:
    """Of classes that share out the whole picture, the first one is none that a bonnet could be."""
    assert make().own_car == BACKGROUND
    assert make(class_map="all").own_car == IGNORE
