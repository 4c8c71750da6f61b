"""Pseudo-labels: what teachers are sure of in pictures that nobody has labelled, as a data set to train on.

Lee 2013, "Pseudo-Label"; Xie et al. 2020, "Self-training with Noisy Student" (arXiv:1911.04252).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg import preprocess
from rtseg.data.toml import toml_value
from rtseg.errors import ConfigError, SinkError
from rtseg.evaluation.predictor import Predictor, Probabilities
from rtseg.frame import UInt8Array
from rtseg.labels import IGNORE
from rtseg.video.outputs import make_folder, write_file
from rtseg.video.source import Source

DATASET_FILE = "dataset.toml"
_JPEG_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 95)
_MAP_NAME = "road-vehicle-pedestrian"
_FIRST_WORDS = "# Pseudo-labels by"
_PART = ".part"


@dataclass(frozen=True)
class LabelConfig:
    """What is labelled how.

    keep is the least probability of a class for which a pixel is labelled; every the distance of the frames
    that are taken, 1 for all; longest_side (pixels) limits the size at which pictures are judged and saved;
    white_balance makes the mean of each picture grey first, as saved too: for cameras with a colour cast.
    """

    keep: float = 0.9
    every: int = 1
    longest_side: int = 640
    white_balance: bool = False
    license: str = "not stated"

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ConfigError(f"keep is {self.keep}; it is a probability: above 0, at most 1")
        if self.every < 1:
            raise ConfigError(f"every is {self.every}; it must be at least 1")
        if self.longest_side < 64:
            raise ConfigError(f"longest side is {self.longest_side} pixels; it must be at least 64")


@dataclass(frozen=True, eq=False)
class Labelled:
    """What came of it: pictures, and pixels (C,) that were given to each class, out of pixels_in_all."""

    classes: tuple[str, ...]
    pictures: int
    pixels: NDArray[np.int64]
    pixels_in_all: int


def label(
    sources: Sequence[Source],
    teachers: Sequence[Predictor],
    out: Path,
    config: LabelConfig,
    progress: Callable[[], None] = lambda: None,
) -> Labelled:
    """Write a data set (split "train") with the frames of the sources and what the teachers say of them.

    Pixels where no class has the probability keep in the teachers' mean become IGNORE: those of which one is
    not sure, or on which they differ. progress is called after each picture. Raises ConfigError for teachers
    of different classes or without one that knows all of them and for live sources, and SourceError,
    SinkError.
    """
    for source in sources:
        if source.live:
            raise ConfigError(
                f"{source.name}: is live, and labelling would never end; record it first, with `rtseg run`"
            )
    classes = _common_classes(teachers)
    pixels = np.zeros(len(classes), np.int64)
    pixels_in_all = pictures = 0
    with _replacing(out) as train:
        for number, source in enumerate(sources):
            for index, frame in enumerate(source.frames()):
                if index % config.every:
                    continue
                image_rgb = _prepare(preprocess.to_bgr(frame)[..., ::-1], config)
                class_map = confident(combine(teachers, image_rgb), config.keep)
                name = f"{number:02d}-{frame.name or f'{frame.index:06d}'}"
                _write(train / "images" / f"{name}.jpg", image_rgb[..., ::-1], _JPEG_QUALITY)
                _write(train / "labels" / f"{name}.png", class_map)
                pixels += np.bincount(class_map[class_map != IGNORE], minlength=len(classes))
                pixels_in_all += class_map.size
                pictures += 1
                progress()
    write_file(out / DATASET_FILE, _describe(out.resolve().name, teachers, config).encode())
    return Labelled(classes, pictures, pixels, pixels_in_all)


def check_replaceable(out: Path) -> None:
    """Refuse to write over anything but former pseudo-labels. Raises SinkError."""
    if not out.is_dir() or not any(entry.name != _PART for entry in out.iterdir()):
        return
    description = out / DATASET_FILE
    if not description.is_file() or not description.read_bytes().startswith(_FIRST_WORDS.encode()):
        raise SinkError(
            f"{out}: holds something other than pseudo-labels, which would be lost; choose another folder"
        )


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder train in the place of the old one, once all is written; it is not described yet.

    Until then, and for good after an error, the old pseudo-labels stay as they were.
    """
    part = out / _PART
    make_folder(out)
    shutil.rmtree(part, ignore_errors=True)  # what a kill left
    try:
        for folder in (part, part / "images", part / "labels"):
            make_folder(folder)
        yield part
        # From here to the new description a kill leaves nothing that a training would take for whole.
        (out / DATASET_FILE).unlink(missing_ok=True)
        if (out / "train").exists():
            shutil.rmtree(out / "train")
        part.replace(out / "train")
    except OSError as error:
        raise SinkError(f"{out}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def combine(teachers: Sequence[Predictor], image_rgb: UInt8Array) -> Probabilities:
    """(H, W, 3) uint8 RGB -> (C, H, W): the teachers' mean; each saw the picture and its mirror image.

    A teacher that knows some of the classes only (`known_classes`) is asked about these alone; the others
    then share what is left as the remaining teachers have it.
    """
    given = [(_mirrored_mean(teacher, image_rgb), _known(teacher)) for teacher in teachers]
    complete = np.mean([shares for shares, known in given if len(known) == len(shares)], axis=0)
    mean = complete.copy()
    for index in range(len(mean)):
        opinions = [shares[index] for shares, known in given if index in known]
        mean[index] = np.mean(opinions, axis=0)
    partial = sorted(set.union(set(), *(known for shares, known in given if len(known) < len(shares))))
    if partial:
        others = [index for index in range(len(mean)) if index not in partial]
        left = np.maximum(1 - mean[partial].sum(axis=0), 0)
        mean[others] = complete[others] * (left / np.maximum(complete[others].sum(axis=0), 1e-6))
    return np.asarray(mean, np.float32)


def confident(probabilities: Probabilities, keep: float) -> UInt8Array:
    """(C, H, W) -> class map (H, W) uint8 with IGNORE where no class reaches the probability `keep`."""
    best = probabilities.argmax(axis=0).astype(np.uint8)
    return np.asarray(np.where(probabilities.max(axis=0) >= keep, best, IGNORE), np.uint8)


def _common_classes(teachers: Sequence[Predictor]) -> tuple[str, ...]:
    if not teachers:
        raise ConfigError("no teacher; name at least one, for example street-m")
    for teacher in teachers:
        if teacher.classes != teachers[0].classes:
            raise ConfigError(
                f"the teachers {teachers[0].name} and {teacher.name} have different classes: "
                f"{', '.join(teachers[0].classes)}; {', '.join(teacher.classes)}"
            )
    if not any(len(_known(teacher)) == len(teacher.classes) for teacher in teachers):
        raise ConfigError("no teacher knows all of the classes; name one that does, for example street-m")
    return teachers[0].classes


def _known(teacher: Predictor) -> set[int]:
    names = getattr(teacher, "known_classes", teacher.classes)
    return {teacher.classes.index(name) for name in names}


def _mirrored_mean(teacher: Predictor, image_rgb: UInt8Array) -> Probabilities:
    mirrored = teacher.probabilities(np.ascontiguousarray(image_rgb[:, ::-1]))[:, :, ::-1]
    return np.asarray((teacher.probabilities(image_rgb) + mirrored) / 2, np.float32)


def _prepare(image_rgb: UInt8Array, config: LabelConfig) -> UInt8Array:
    height, width = image_rgb.shape[:2]
    shrink = min(1.0, config.longest_side / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    image_rgb = np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    if config.white_balance:
        means = image_rgb.reshape(-1, 3).mean(axis=0) + 1
        image_rgb = np.clip(image_rgb * (means.mean() / means), 0, 255).astype(np.uint8)
    return image_rgb


def _write(path: Path, picture: UInt8Array, options: Sequence[int] = ()) -> None:
    write_file(path, cv2.imencode(path.suffix, picture, options)[1].tobytes())


def _describe(name: str, teachers: Sequence[Predictor], config: LabelConfig) -> str:
    """The text of dataset.toml."""
    classes = teachers[0].classes
    taught = ", ".join(teacher.name for teacher in teachers)
    lines = [
        f"{_FIRST_WORDS} {taught}; pixels of less than {config.keep:g} confidence do not count.",
        f"name = {toml_value(name)}",
        f"license = {toml_value(config.license)}",
        f"ignore_index = {IGNORE}",
        "",
        "[raw]",
        *(f"{index} = {toml_value(each)}" for index, each in enumerate(classes)),
        "",
        f"[maps.{_MAP_NAME}]",
        *(f"{toml_value(each)} = [{toml_value(each)}]" for each in classes),
    ]
    return "\n".join(lines) + "\n"
