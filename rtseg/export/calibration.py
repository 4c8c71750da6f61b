"""Pictures to calibrate an int8 network with: of a data set or of the demo source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtseg.card import TrainingData
from rtseg.data.demo import training_sample
from rtseg.data.description import read_description
from rtseg.data.layouts import LAYOUTS, find_files
from rtseg.data.pictures import decode_bgr, read_whole
from rtseg.errors import DataError
from rtseg.frame import UInt8Array

CALIBRATION_ONLY = " (int8 calibration)"
"""After the name of data that a model did not learn from."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Pictures that show which values occur inside a network, and where they are from."""

    pictures: Iterator[UInt8Array]
    """(H, W, 3) uint8 BGR of any size."""
    count: int
    source: TrainingData


def data_set_pictures(root: Path, split: str, count: int) -> Calibration:
    """At most so many pictures of a split, taken evenly; labels and classes do not matter.

    Raises DataError for a folder that is no data set or has no pictures, and later for a picture that cannot
    be read.
    """
    described = read_description(root)
    files = find_files(LAYOUTS[described.layout], root, split)
    if not files.samples:
        raise DataError(f"{files.folder}: holds no pictures of split {split!r} to calibrate with")
    chosen = np.unique(np.linspace(0, len(files.samples) - 1, count).round().astype(int)).tolist()
    paths = [files.samples[number].image_path for number in chosen]
    return Calibration(
        (decode_bgr(path, read_whole(path)) for path in paths),
        len(paths),
        TrainingData(name=described.name, license=described.license),
    )


def demo_pictures(count: int) -> Calibration:
    """So many scenes of the demo source, of seeds that no evaluation uses; the same ones each time."""
    rng = np.random.default_rng(0)
    pictures = (np.ascontiguousarray(training_sample(rng)[0][..., ::-1]) for _ in range(count))
    return Calibration(pictures, count, TrainingData(name="rtseg's demo source", license="MIT"))
