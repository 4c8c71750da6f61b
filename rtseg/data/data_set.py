"""Data sets on disk, and the batches that a training draws from them.

dataset.toml names the raw label ids and maps target classes to raw names; beside it lie
<split>/images and <split>/labels, files of equal stems.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtseg.errors import DataError
from rtseg.frame import UInt8Array
from rtseg.labels import IGNORE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
_UNKNOWN = 254  # marks raw ids that dataset.toml does not list, so that they are noticed


_LabelId = Annotated[int, Field(ge=0, le=255)]


class _DataSetToml(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    license: str
    ignore_index: _LabelId = IGNORE
    raw: dict[_LabelId, str]
    maps: dict[str, dict[str, list[str]]] = Field(min_length=1)


@dataclass(frozen=True)
class Sample:
    """One picture and its labels."""

    image_path: Path
    label_path: Path


@dataclass(frozen=True, eq=False)
class DataSet:
    """An opened data set under one of its maps.

    classes are the target classes in the order of the map; class_of_raw (256,) uint8 turns raw ids into them.
    """

    root: Path
    name: str
    license: str
    map_name: str
    classes: tuple[str, ...]
    class_of_raw: UInt8Array
    raw_names: dict[int, str]

    def samples(self, split: str) -> list[Sample]:
        """The samples of a split, sorted by name. Raises DataError for a missing label or an empty split."""
        folder = self.root / split
        if not (folder / "images").is_dir():
            splits = sorted(path.parent.name for path in self.root.glob("*/images"))
            raise DataError(f"{self.root}: no split {split!r}; there are: {', '.join(splits) or 'none'}")
        images = sorted(p for p in (folder / "images").iterdir() if p.suffix.lower() in _IMAGE_SUFFIXES)
        if not images:
            raise DataError(f"{folder}/images: holds no .jpg or .png pictures")
        samples = [Sample(path, folder / "labels" / f"{path.stem}.png") for path in images]
        missing = [sample.label_path for sample in samples if not sample.label_path.is_file()]
        if missing:
            raise DataError(
                f"{missing[0]}: missing; each picture needs its labels ({len(missing)} lack them)"
            )
        return samples

    def load(self, sample: Sample) -> tuple[UInt8Array, UInt8Array]:
        """-> (image (H, W, 3) RGB, class map (H, W) with IGNORE), both uint8. Raises DataError."""
        image_bgr = _read(sample.image_path, cv2.IMREAD_COLOR)
        raw = _read(sample.label_path, cv2.IMREAD_UNCHANGED)
        if raw.ndim != 2 or raw.dtype != np.uint8:
            raise DataError(f"{sample.label_path}: labels must be an 8-bit picture of one channel")
        if raw.shape != image_bgr.shape[:2]:
            raise DataError(
                f"{sample.label_path}: labels are {raw.shape[1]}x{raw.shape[0]}, the picture is "
                f"{image_bgr.shape[1]}x{image_bgr.shape[0]}; they must be equal"
            )
        class_map = cv2.LUT(raw, self.class_of_raw)
        if (class_map == _UNKNOWN).any():
            unknown = [
                f"{value} ({self.raw_names.get(value, 'not under [raw]')})"
                for value in np.unique(raw).tolist()
                if self.class_of_raw[value] == _UNKNOWN
            ]
            raise DataError(
                f"{sample.label_path}: map {self.map_name!r} gives no class to label ids "
                f"{', '.join(unknown)}; list them in dataset.toml, under 'ignore' if they shall not count"
            )
        return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8), np.asarray(
            class_map, np.uint8
        )

    def pairs(self, split: str) -> Iterator[tuple[Sample, UInt8Array, UInt8Array]]:
        """All samples of a split, loaded one after the other."""
        for sample in self.samples(split):
            yield sample, *self.load(sample)


def _read(path: Path, flags: int) -> UInt8Array:
    array = cv2.imread(str(path), flags)
    if array is None:
        raise DataError(f"{path}: cannot be read as a picture; replace it or take it out")
    return cast(UInt8Array, array)


def open_data_set(root: Path, class_map: str) -> DataSet:
    """Read dataset.toml and choose one of its maps. Raises DataError for anything wrong with either."""
    path = root / "dataset.toml"
    if not path.is_file():
        raise DataError(f"{root}: no dataset.toml in it; a data set is a folder that has one")
    try:
        described = _DataSetToml.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: key {key!r}: {first['msg']}") from error
    if class_map not in described.maps:
        raise DataError(f"{path}: no map {class_map!r}; there are: {', '.join(described.maps)}")

    targets = dict(described.maps[class_map])
    ids = {name: raw_id for raw_id, name in described.raw.items()}
    if len(ids) < len(described.raw):
        raise DataError(f"{path}: [raw] gives one name to two ids; names must differ")
    # "ignore" is no class of its own: its members count nowhere.
    ignored = targets.pop("ignore", [])
    class_of = {name: index for index, names in enumerate(targets.values()) for name in names}
    members = [*ignored, *(name for names in targets.values() for name in names)]
    if len(set(members)) < len(members):
        twice = next(name for name in members if members.count(name) > 1)
        raise DataError(f"{path}: map {class_map!r} names {twice!r} twice; each raw name has one class")
    class_of_raw = np.full(256, _UNKNOWN, np.uint8)
    class_of_raw[described.ignore_index] = IGNORE
    for name in members:
        if name not in ids:
            raise DataError(f"{path}: map {class_map!r} names {name!r}, which [raw] does not list")
        class_of_raw[ids[name]] = class_of.get(name, IGNORE)
    return DataSet(
        root, described.name, described.license, class_map, tuple(targets), class_of_raw, described.raw
    )
