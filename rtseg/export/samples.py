"""Frames on which an exported model is compared with what it was made of: demo scenes, or a user's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rtseg import labels, preprocess
from rtseg.data.demo import unseen_sample
from rtseg.data.pictures import decode_bgr, read_whole
from rtseg.errors import DataError
from rtseg.frame import Frame, Size, UInt8Array

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame as the network sees it."""

    name: str
    image_rgb: UInt8Array
    """(H, W, 3) uint8"""
    truth: UInt8Array | None = None
    """(H, W) class map, where it is known."""


def demo_samples(size: Size, count: int, classes: tuple[str, ...]) -> Iterator[Sample]:
    """So many scenes of the demo source that no training has seen, stretched to size (width, height).

    With their truth, where the model has the demo's classes.
    """
    for number in range(count):
        picture_rgb, truth = unseen_sample(number)
        known = None
        if classes == labels.CLASSES:
            known = np.asarray(cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        yield Sample(f"demo {number}", _stretched(np.ascontiguousarray(picture_rgb[..., ::-1]), size), known)


def find_pictures(folder: Path, count: int) -> list[Path]:
    """At most so many pictures of a folder, taken evenly. Raises DataError where there is none."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name one with pictures to compare on")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise DataError(
            f"{folder}: holds no pictures to compare on (looked for {' '.join(sorted(_SUFFIXES))})"
        )
    chosen = np.unique(np.linspace(0, len(paths) - 1, count).round().astype(int)).tolist()
    return [paths[number] for number in chosen]


def folder_samples(paths: list[Path], size: Size) -> Iterator[Sample]:
    """The pictures, stretched to size (width, height). Raises DataError for one that cannot be read."""
    for path in paths:
        yield Sample(path.name, _stretched(decode_bgr(path, read_whole(path)), size))


def _stretched(picture_bgr: UInt8Array, size: Size) -> UInt8Array:
    return preprocess.network_input(Frame("bgr24", (picture_bgr,), index=0, captured_ns=0), size)
