"""What the values in label files mean under one map of a data set.

label file (H, W) of ids or (H, W, 3) of colours  ->  class map (H, W) uint8: classes, merged labels, IGNORE
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from rtseg.data.description import FILE, DataSetToml
from rtseg.data.pictures import decode_bgr, decode_labels
from rtseg.errors import DataError
from rtseg.frame import UInt8Array
from rtseg.labels import IGNORE, MOST_MERGEABLE, merged

UNKNOWN: Final = 254
"""Marks pixels of class maps whose raw value has no place in the map."""

_IGNORED_KEY: Final = "ignore"
_MOST_SPELT: Final = 6
_MOST_CLASSES: Final = 128  # merged labels begin there


@dataclass(frozen=True, eq=False)
class LabelCode:
    """From raw values (ids, or colours as 0xRRGGBB) to labels of class maps.

    names has every raw value that dataset.toml lists, label_of those that the map gives a label to.
    repeated_ids: a label of three equal channels is one of ids too.
    """

    map_name: str
    classes: tuple[str, ...]
    names: dict[int, str]
    label_of: dict[int, int]
    colored: bool
    repeated_ids: bool

    @cached_property
    def _table(self) -> UInt8Array:
        table = np.full(2**24 if self.colored else 2**8, UNKNOWN, np.uint8)
        for value, label in self.label_of.items():
            table[value] = label
        return table

    def raw_values(self, path: Path, data: bytes) -> np.ndarray:
        """The raw values (H, W) of a label file: uint8 ids or uint32 colours. Raises DataError."""
        if self.colored:
            with_alpha = cv2.cvtColor(decode_bgr(path, data), cv2.COLOR_BGR2BGRA)
            return np.asarray(with_alpha.view("<u4")[..., 0] & 0xFFFFFF)
        raw = decode_labels(path, data)
        if raw.ndim == 3 and self.repeated_ids:
            if (raw[..., :3] != raw[..., :1]).any():
                raise DataError(
                    f"{path}: its channels differ, so these are colours and no ids; name them in {FILE}, "
                    "under [colors] instead of [raw]"
                )
            raw = np.ascontiguousarray(raw[..., 0])
        if raw.ndim != 2 or raw.dtype != np.uint8:
            raise DataError(
                f"{path}: labels must be an 8-bit picture of one channel, or their colours stand under "
                f"[colors] in {FILE}; this one has {raw[0, 0].size} channels of {8 * raw.itemsize} bits"
            )
        return raw

    def class_map(self, raw: np.ndarray) -> UInt8Array:
        """Raw values (H, W) -> labels (H, W) uint8, UNKNOWN among them."""
        return np.asarray(self._table[raw] if self.colored else cv2.LUT(raw, self._table), np.uint8)

    def check(self, path: Path, raw: np.ndarray, class_map: UInt8Array) -> None:
        """Raises DataError where raw values of a file are UNKNOWN in its class map."""
        unknown = class_map == UNKNOWN
        if not unknown.any():
            return
        values, counts = np.unique(raw[unknown], return_counts=True)
        by_count = np.argsort(-counts, kind="stable")
        spelt = [f"{self._spell(int(values[at]))}: {counts[at]} pixels" for at in by_count[:_MOST_SPELT]]
        if len(values) > _MOST_SPELT:
            spelt.append(f"and {len(values) - _MOST_SPELT} more")
        raise DataError(
            f"{path}: map {self.map_name!r} gives no class to label {'colours' if self.colored else 'ids'} "
            f"{', '.join(spelt)}; list them in {FILE}, under 'ignore' if they shall not count"
        )

    def _spell(self, value: int) -> str:
        """A raw value as dataset.toml writes it, with its name: 9 (person)."""
        table = "colors" if self.colored else "raw"
        text = f"#{value:06x}" if self.colored else str(value)
        return f"{text} ({self.names.get(value, f'not under [{table}]')})"


def label_code(root: Path, described: DataSetToml, map_name: str, *, repeated_ids: bool) -> LabelCode:
    """Choose one map of a data set. Raises DataError for one that makes no sense."""
    where = root / FILE
    if map_name not in described.maps:
        raise DataError(f"{where}: no map {map_name!r}; there are: {', '.join(described.maps)}")
    where_map = f"{where}: map {map_name!r}"
    raw_names_of = described.maps[map_name]
    members_of = _members(where_map, raw_names_of)
    classes = _classes(where_map, members_of.values())

    names = described.colors or described.raw
    value_of = {name: value for value, name in names.items()}
    label_of = {} if described.colors else {described.ignore_index: IGNORE}
    used: set[str] = set()
    for key, raw_names in raw_names_of.items():
        members = [classes.index(name) for name in members_of.get(key, ())]
        label = IGNORE if not members else members[0] if len(members) == 1 else merged(members)
        for name in raw_names:
            if name in used:
                raise DataError(f"{where_map} names {name!r} twice; each raw name has one class")
            if name not in value_of:
                table = "colors" if described.colors else "raw"
                raise DataError(f"{where_map} names {name!r}, which [{table}] does not list")
            used.add(name)
            label_of[value_of[name]] = label
    return LabelCode(map_name, classes, names, label_of, bool(described.colors), repeated_ids)


def _members(where: str, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The classes that each key stands for: one, or several where "|" joins them. "ignore" is no class."""
    members_of = {key: tuple(name.strip() for name in key.split("|")) for key in keys if key != _IGNORED_KEY}
    for key, members in members_of.items():
        if "" in members or _IGNORED_KEY in members or len(set(members)) < len(members):
            raise DataError(f"{where}: key {key!r} makes no sense; join different classes, as in 'car|bus'")
    return members_of


def _classes(where: str, keys: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The classes of a map: those with a key of their own in its order, then those that are only merged."""
    own = [members[0] for members in keys if len(members) == 1]
    only_merged = [name for members in keys if len(members) > 1 for name in members]
    classes = tuple(dict.fromkeys([*own, *only_merged]))
    if not 1 <= len(classes) <= _MOST_CLASSES:
        raise DataError(f"{where} has {len(classes)} classes; expected 1 to {_MOST_CLASSES}")
    if only_merged and len(classes) > MOST_MERGEABLE:
        raise DataError(
            f"{where} merges classes and has {len(classes)} of them; only up to {MOST_MERGEABLE} can be "
            "merged. Give the raw names one class, or 'ignore'"
        )
    return classes
