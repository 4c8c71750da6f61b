"""Where frames come from: one interface, and the function that opens whatever a user names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

from typing_extensions import Self

from rtseg.errors import SourceError
from rtseg.frame import Frame

VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".ts", ".m4v", ".webm", ".mpg", ".mpeg", ".h264", ".mjpeg"}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class Source(Protocol):
    """Frames, one after the other. Opened, iterated and closed by one thread at a time."""

    name: str
    """What the user called it, for messages; credentials of a URL are left out."""
    live: bool
    """True when frames that nobody takes in time are gone: a camera, a stream."""
    rate: Fraction | None
    """Frames a second, where it is known."""
    frame_count: int | None
    """How many frames there should be, where it is known; for progress bars only."""
    troubles: list[str]
    """What went wrong without ending the source, a sentence each: cut off, unreadable parts."""

    def frames(self) -> Iterator[Frame]:
        """The frames in order of presentation. Raises SourceError when the source fails."""

    def close(self) -> None:
        """Free the device or file; harmless when done twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BaseSource:
    """What all sources share."""

    live = False
    rate: Fraction | None = None
    frame_count: int | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.troubles: list[str] = []

    def close(self) -> None:
        """Nothing to free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(uri: str) -> Source:
    """Open a camera number, a device path, a URL, a video, a picture, a folder or a glob of pictures.

    Raises SourceError saying what is wrong with it.
    """
    if uri.isdecimal() or uri.startswith("/dev/video"):
        from rtseg.video.camera import CameraSource

        return CameraSource(uri)
    if re.match(r"[a-z][a-z0-9+.-]+://", uri, re.IGNORECASE) and not uri.lower().startswith("file://"):
        from rtseg.video.file import VideoSource

        return VideoSource(uri)
    path = Path(uri[7:] if uri.lower().startswith("file://") else uri)
    if path.is_dir() or (any(character in uri for character in "*?[") and not path.exists()):
        from rtseg.video.images import ImagesSource

        return ImagesSource(uri)
    if not path.exists():
        raise SourceError(f"{uri}: no such file or folder{_similar(path)}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        from rtseg.video.images import ImagesSource

        return ImagesSource(uri)
    from rtseg.video.file import VideoSource

    return VideoSource(str(path))


def _similar(path: Path) -> str:
    """A hint at videos that are there, for a name that is mistyped."""
    import difflib

    if not path.parent.is_dir():
        return f"; the folder {path.parent} does not exist either"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""
