"""Pictures: one file, a folder or a glob, in natural order."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from rtseg.errors import SourceError
from rtseg.frame import Frame, UInt8Array
from rtseg.video.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, BaseSource


class ImagesSource(BaseSource):
    """Pictures of any sizes, each a frame named by its file; unreadable ones are skipped and told."""

    def __init__(self, uri: str) -> None:
        """Raises SourceError where there is no picture."""
        super().__init__(uri)
        path = Path(uri)
        if path.is_file():
            found = [path]
        elif path.is_dir():
            found = list(path.iterdir())
        else:
            found = [Path(name) for name in glob.glob(uri, recursive=True)]  # noqa: PTH207  Path.glob knows no '..'
        pictures = [entry for entry in found if entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file()]
        if not pictures:
            videos = [entry for entry in found if entry.suffix.lower() in VIDEO_SUFFIXES]
            hint = f"; did you mean {min(videos)}?" if videos else ""
            raise SourceError(
                f"{uri}: no pictures there (looked for {' '.join(sorted(IMAGE_SUFFIXES))}){hint}"
            )
        self.files = tuple(sorted(pictures, key=_natural))
        self.frame_count = len(self.files)

    @cached_property
    def _frame_names(self) -> list[str]:
        return _names(self.files)

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """The pictures in BGR from a number on, in natural order (2 before 10)."""
        unreadable: list[Path] = []
        for index in range(first, len(self.files)):
            path, name = self.files[index], self._frame_names[index]
            image_bgr = _read(path)
            if image_bgr is None:
                unreadable.append(path)
                continue
            yield Frame("bgr24", (image_bgr,), index=index, captured_ns=time.monotonic_ns(), name=name)
        if len(unreadable) == len(self.files):
            raise SourceError(
                f"{self.name}: no picture there can be read, beginning with {unreadable[0]}; "
                "try whether another program opens it"
            )
        if unreadable and first == 0:
            self.troubles.append(
                f"{len(unreadable)} of {len(self.files)} pictures cannot be read: first {unreadable[0]}"
            )


def _read(path: Path) -> UInt8Array | None:
    """(H, W, 3) BGR, 8 bits a channel whatever the file has; None where that is impossible."""
    try:
        # Read here and not by cv2.imread, which cannot open every name that a file can have.
        data = np.frombuffer(path.read_bytes(), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if picture is None else np.asarray(picture, np.uint8)


def _names(paths: Sequence[Path]) -> list[str]:
    """Names as short as keep the pictures apart: a; or north-a, south-a; or a.png, a.jpg."""
    if len(paths) == 1:
        return [paths[0].stem]
    top = os.path.commonpath([path.absolute().parent for path in paths])
    inside = ["-".join(path.absolute().relative_to(top).parts) for path in paths]
    for names in ([path.stem for path in paths], [Path(name).stem for name in inside], inside):
        if len(set(names)) == len(names):
            return names
    return [f"{index:06d}-{name}" for index, name in enumerate(inside)]


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
