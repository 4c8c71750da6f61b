"""Pictures: one file, a folder or a glob, in natural order."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.video.source import IMAGE_SUFFIXES, BaseSource


class ImagesSource(BaseSource):
    """Pictures of any sizes, each a frame named by its file; unreadable ones are skipped and told."""

    def __init__(self, uri: str) -> None:
        """Raises SourceError where there is no picture."""
        super().__init__(uri)
        path = Path(uri)
        if path.is_file():
            found = [path]
        elif path.is_dir():
            found = [entry for entry in path.iterdir() if entry.suffix.lower() in IMAGE_SUFFIXES]
        else:
            pattern = Path(uri)
            root = Path(pattern.anchor) if pattern.is_absolute() else Path()
            found = [
                entry
                for entry in root.glob(str(pattern.relative_to(root)))
                if entry.suffix.lower() in IMAGE_SUFFIXES
            ]
        if not found:
            known = " ".join(sorted(IMAGE_SUFFIXES))
            raise SourceError(f"{uri}: no pictures there (looked for {known})")
        self.paths = sorted(found, key=_natural)
        self.frame_count = len(self.paths)

    def frames(self) -> Iterator[Frame]:
        """The pictures in BGR, in natural order (2 before 10)."""
        unreadable: list[Path] = []
        for index, path in enumerate(self.paths):
            # Read here and not by cv2.imread, which cannot open every name that a file can have.
            data = np.frombuffer(path.read_bytes(), np.uint8)
            image_bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
            if image_bgr is None:
                unreadable.append(path)
                continue
            yield Frame(
                "bgr24",
                (np.asarray(image_bgr, np.uint8),),
                index=index,
                captured_ns=time.monotonic_ns(),
                name=path.stem,
            )
        if len(unreadable) == len(self.paths):
            raise SourceError(f"{self.name}: no picture there can be read, beginning with {unreadable[0]}")
        if unreadable:
            self.troubles.append(f"{len(unreadable)} pictures cannot be read, the first is {unreadable[0]}")


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
