"""Checking a whole data set: every file is read, and all that is wrong with it collected."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from rtseg.data.data_set import DataSet, check_size
from rtseg.data.label_code import UNKNOWN
from rtseg.data.layouts import Files, Sample
from rtseg.data.pictures import decode_rgb, read_whole
from rtseg.errors import DataError
from rtseg.labels import IGNORE, members

SCHEMA: Final = 1

Kind = Literal[
    "empty split", "missing label", "no picture", "shared label", "file", "size", "unknown", "absent class",
    "leak",
]  # fmt: skip
_OTHER_LABELS: Final = {UNKNOWN: "unknown", IGNORE: "ignored"}

Progress = Callable[[int, int], None]
"""Told the number of pictures done and in all."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which split, with which file (None: with all of it), and in words."""

    kind: Kind
    split: str
    path: Path | None
    text: str


@dataclass(eq=False)
class SplitFacts:
    """What a split holds, of the samples that can be read.

    sizes counts the pictures of each (width, height). pixels (256,) are those of each label of a class map,
    pictures_with (256,) the pictures in which it occurs.
    """

    name: str
    pictures: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    pictures_with: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))


@dataclass(frozen=True, eq=False)
class Verification:
    """What was found in a data set."""

    data_set: DataSet
    splits: tuple[SplitFacts, ...]
    problems: tuple[Problem, ...]

    def label_names(self) -> dict[int, str]:
        """The labels to show, named: each class, and where they occur merged, unknown and ignored ones."""
        classes = self.data_set.classes
        occurring = sorted({int(label) for facts in self.splits for label in np.flatnonzero(facts.pixels)})
        return (
            dict(enumerate(classes))
            | {
                label: "|".join(classes[index] for index in members(label, len(classes)))
                for label in occurring
                if len(classes) <= label < UNKNOWN
            }
            | {label: name for label, name in _OTHER_LABELS.items() if label in occurring}
        )

    def to_json(self) -> dict[str, Any]:
        """The same facts as documented JSON; shares are of all pixels that can be read."""
        names = self.label_names()
        return {
            "schema": SCHEMA,
            "dataset": self.data_set.name,
            "license": self.data_set.license,
            "map": self.data_set.map_name,
            "classes": list(self.data_set.classes),
            "sound": not self.problems,
            "splits": {
                facts.name: {
                    "pictures": facts.pictures,
                    "sizes": {f"{width}x{height}": n for (width, height), n in facts.sizes.items()},
                    "share": {name: round(share(facts, label), 6) for label, name in names.items()},
                    "pictures_with": {name: int(facts.pictures_with[label]) for label, name in names.items()},
                }
                for facts in self.splits
            },
            "problems": [
                {
                    "kind": problem.kind,
                    "split": problem.split,
                    "file": problem.path and problem.path.relative_to(self.data_set.root).as_posix(),
                    "text": problem.text,
                }
                for problem in self.problems
            ],
        }


def share(facts: SplitFacts, label: int) -> float:
    """The share of a split's pixels that have a label."""
    total = int(facts.pixels.sum())
    return int(facts.pixels[label]) / total if total else 0.0


@dataclass(frozen=True, eq=False)
class _Checked:
    sample: Sample
    problems: tuple[Problem, ...]
    digest: bytes | None = None
    size: tuple[int, int] | None = None
    pixels: NDArray[np.int64] | None = None


def verify(data_set: DataSet, files_of: Mapping[str, Files], progress: Progress) -> Verification:
    """Read every picture and label of these splits, given with what `DataSet.files` says of each."""
    total = sum(len(files.samples) for files in files_of.values())
    all_facts: list[SplitFacts] = []
    problems: list[Problem] = []
    splits_of: dict[bytes, list[tuple[str, Path]]] = defaultdict(list)
    done = 0
    for split, files in files_of.items():
        facts = SplitFacts(split, pictures=len(files.samples))
        all_facts.append(facts)
        problems += _check_pairs(split, files)
        for checked in _check_all(data_set, split, files):
            problems += checked.problems
            if checked.digest is not None:
                splits_of[checked.digest].append((split, checked.sample.image_path))
            if checked.size is not None and checked.pixels is not None:
                facts.sizes[checked.size] += 1
                facts.pixels += checked.pixels
                facts.pictures_with += checked.pixels > 0
            done += 1
            progress(done, total)
        problems += _check_classes(data_set, facts)
    problems += _check_leaks(data_set.root, splits_of.values())
    return Verification(data_set, tuple(all_facts), tuple(problems))


def _check_pairs(split: str, files: Files) -> Iterator[Problem]:
    if not files.samples:
        yield Problem("empty split", split, files.folder, "holds no .jpg or .png pictures of this split")
    if files.samples and len(files.missing) == len(files.samples):
        text = f"holds labels for none of {len(files.samples)} pictures"
        yield Problem("missing label", split, files.label_folder, text)
    else:
        for sample in files.missing:
            yield Problem("missing label", split, sample.label_path, "missing; the picture needs its labels")
    for path in files.orphans:
        yield Problem("no picture", split, path, "labels without a picture")
    shared = Counter(sample.label_path for sample in files.samples)
    for path, count in shared.items():
        if count > 1:
            yield Problem("shared label", split, path, f"belongs to {count} pictures of one name")


def _check_all(data_set: DataSet, split: str, files: Files) -> Iterator[_Checked]:
    """Checked samples in their order; decoding lets go of Python's lock, so a thread a core."""
    missing = set(files.missing)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(
            lambda sample: _check(data_set, split, sample, has_labels=sample not in missing), files.samples
        )


def _check(data_set: DataSet, split: str, sample: Sample, *, has_labels: bool) -> _Checked:
    digest = image = raw = None
    problems = []
    try:
        data = read_whole(sample.image_path)
        digest = hashlib.blake2b(data, digest_size=16).digest()
        image = decode_rgb(sample.image_path, data)
    except DataError as error:
        problems.append(_problem("file", split, sample.image_path, error))
    try:
        if has_labels:
            raw = data_set.code.raw_values(sample.label_path, read_whole(sample.label_path))
    except DataError as error:
        problems.append(_problem("file", split, sample.label_path, error))
    if image is None or raw is None:
        return _Checked(sample, tuple(problems), digest)
    try:
        check_size(sample, image, raw.shape)
    except DataError as error:
        return _Checked(sample, (_problem("size", split, sample.label_path, error),), digest)
    class_map = data_set.code.class_map(raw)
    try:
        data_set.code.check(sample.label_path, raw, class_map)
    except DataError as error:
        problems.append(_problem("unknown", split, sample.label_path, error))
    pixels = np.bincount(class_map.ravel(), minlength=256)
    return _Checked(sample, tuple(problems), digest, (image.shape[1], image.shape[0]), pixels)


def _problem(kind: Kind, split: str, path: Path, error: DataError) -> Problem:
    return Problem(kind, split, path, str(error).removeprefix(f"{path}: "))


def _check_classes(data_set: DataSet, facts: SplitFacts) -> Iterator[Problem]:
    if not facts.sizes:
        return
    occurring = {
        index
        for label in np.flatnonzero(facts.pixels)
        for index in members(int(label), len(data_set.classes))
    }
    for index, name in enumerate(data_set.classes):
        if index not in occurring:
            yield Problem("absent class", facts.name, None, f"class {name!r} never occurs")


def _check_leaks(root: Path, groups: Iterable[list[tuple[str, Path]]]) -> Iterator[Problem]:
    for group in groups:
        first_split, first = group[0]
        for split, path in group[1:]:
            if split != first_split:
                text = f"is the same picture as {first.relative_to(root)} of split {first_split}"
                yield Problem("leak", split, path, text)
