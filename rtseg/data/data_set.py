"""Data sets on disk, read through one of their maps.

DIR/dataset.toml  ->  samples of a split  ->  image (H, W, 3) RGB and class map (H, W), both uint8
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from rtseg.data.description import read_description
from rtseg.data.label_code import LabelCode, label_code
from rtseg.data.layouts import LAYOUTS, Files, Layout, Sample, find_files, split_names
from rtseg.data.pictures import decode_rgb, read_whole
from rtseg.errors import DataError
from rtseg.frame import UInt8Array

__all__ = ["DataSet", "Pairs", "Sample", "open_data_set"]


@dataclass(frozen=True, eq=False)
class DataSet:
    """An opened data set under one of its maps; classes are the target classes in the order of the map."""

    root: Path
    name: str
    license: str
    layout: Layout
    code: LabelCode

    @property
    def map_name(self) -> str:
        return self.code.map_name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.code.classes

    @property
    def splits(self) -> list[str]:
        """The splits there are. Raises DataError where there is none."""
        names = split_names(self.layout, self.root)
        if not names:
            raise DataError(f"{self.root}: no splits in it; expected {self.layout.expected}")
        return names

    def files(self, split: str) -> Files:
        """What lies there for a split, whole or not. Raises DataError for a split that is not there."""
        return find_files(self.layout, self.root, split)

    def samples(self, split: str) -> list[Sample]:
        """The samples of a split, sorted by name. Raises DataError for a missing label or an empty split."""
        files = self.files(split)
        if not files.samples:
            raise DataError(f"{files.folder}: holds no .jpg or .png pictures of split {split!r}")
        if files.missing:
            raise DataError(
                f"{files.missing[0].label_path}: missing; each picture needs its labels "
                f"({len(files.missing)} lack them)"
            )
        return list(files.samples)

    def load(self, sample: Sample) -> tuple[UInt8Array, UInt8Array]:
        """-> (image (H, W, 3) RGB, class map (H, W) of classes, merged labels and IGNORE), both uint8.

        Raises DataError.
        """
        image = decode_rgb(sample.image_path, read_whole(sample.image_path))
        raw = self.code.raw_values(sample.label_path, read_whole(sample.label_path))
        check_size(sample, image, raw.shape)
        class_map = self.code.class_map(raw)
        self.code.check(sample.label_path, raw, class_map)
        return image, class_map

    def pairs(self, split: str) -> Iterator[tuple[Sample, UInt8Array, UInt8Array]]:
        """All samples of a split, loaded one after the other."""
        for sample in self.samples(split):
            yield sample, *self.load(sample)


class Pairs(Sequence[tuple[UInt8Array, UInt8Array]]):
    """(image, class map) of samples, as `DataSet.load` gives them, each loaded whenever it is asked for."""

    def __init__(self, data_set: DataSet, samples: Sequence[Sample]) -> None:
        self._data_set = data_set
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> tuple[UInt8Array, UInt8Array]: ...
    @overload
    def __getitem__(self, index: slice) -> Pairs: ...
    def __getitem__(self, index: int | slice) -> tuple[UInt8Array, UInt8Array] | Pairs:
        if isinstance(index, slice):
            return Pairs(self._data_set, self._samples[index])
        return self._data_set.load(self._samples[index])


def check_size(sample: Sample, image: UInt8Array, label_shape: tuple[int, ...]) -> None:
    """Raises DataError where picture (H, W, 3) and labels of this shape (H, W) differ in size."""
    if label_shape != image.shape[:2]:
        raise DataError(
            f"{sample.label_path}: labels are {label_shape[1]}x{label_shape[0]}, the picture is "
            f"{image.shape[1]}x{image.shape[0]}; they must be equal"
        )


def open_data_set(root: Path, class_map: str) -> DataSet:
    """Read dataset.toml and choose one of its maps. Raises DataError for anything wrong with either."""
    described = read_description(root)
    layout = LAYOUTS[described.layout]
    code = label_code(root, described, class_map, repeated_ids=layout.repeated_ids)
    return DataSet(root, described.name, described.license, layout, code)
