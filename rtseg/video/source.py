"""Where frames come from: one interface, and the function that opens whatever a user names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from typing_extensions import Self

from rtseg.closing import Closing
from rtseg.errors import SourceError
from rtseg.frame import Frame, Size, Tile
from rtseg.video.camera_format import CameraFormat

PLAYING = "playing"
VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".ts", ".m4v", ".webm", ".mpg", ".mpeg", ".h264", ".mjpeg"}
_WILD = "*?["
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class Source(Protocol):
    """Frames, one after the other. Opened, iterated and closed by one thread at a time."""

    name: str
    """What the user called it, for messages; credentials of a URL are left out."""
    live: bool
    """True when frames that nobody takes in time are gone: a camera, a stream."""
    rate: Fraction | None
    """Frames a second, where it is known."""
    size: Size | None
    """Of its pictures, where it is known before the first one; it may change later."""
    tiles: tuple[Tile, ...]
    """Those that its frames will have, as far as it is known before the first one."""
    frame_count: int | None
    """How many frames there should be, where it is known; for progress bars only."""
    files: tuple[Path, ...]
    """The files that it reads, which no output may take the place of."""
    troubles: list[str]
    """What went wrong without ending the source, a sentence each: cut off, unreadable parts."""
    keeps_up: bool
    """Whether a live source leaves frames out where they cannot be decoded as fast as they come."""

    @property
    def state(self) -> str:
        """What it does now, in words for people: PLAYING, or "reconnecting in 4 s: connection refused"."""

    @property
    def reconnects(self) -> int:
        """How often it was lost and came back; the index of the frames then jumps."""

    def frames(self) -> Iterator[Frame]:
        """The frames in order of presentation. Raises SourceError when the source fails."""

    def stop(self) -> None:
        """Ask `frames` to end, from any thread: a source that waits for a device or a server ends at once."""

    def close(self) -> None:
        """Free the device or file; harmless when done twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class BaseSource(Closing):
    """What all sources share."""

    live = False
    rate: Fraction | None = None
    size: Size | None = None
    tiles: tuple[Tile, ...] = ()
    frame_count: int | None = None
    files: tuple[Path, ...] = ()
    state = PLAYING
    reconnects = 0
    keeps_up = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.troubles: list[str] = []

    def stop(self) -> None:
        """Nothing to do for a source that never waits long."""


def is_url(uri: str) -> bool:
    """Whether it names something on the network, and not a file of this machine."""
    return re.match(r"(?!file:)[a-z][a-z0-9+.-]+://", uri, re.IGNORECASE) is not None


def local_path(uri: str) -> Path:
    """What a name means that is no URL of the network; file:///a%20b.mp4 is "/a b.mp4"."""
    return Path(unquote(uri[7:]) if uri.lower().startswith("file://") else uri)


def open_source(uri: str, camera: CameraFormat | None = None) -> Source:
    """Open a camera number, a device path, a URL, a video, a picture, a folder or a glob of pictures.

    csi://0 is a camera of a Jetson board, and screen:// the screen. camera is what a camera is asked to give.
    Raises SourceError saying what is wrong with it.
    """
    scheme = uri.partition("://")[0].lower()
    if scheme == "csi":
        from rtseg.video.camera import CameraSource

        return CameraSource(uri, camera)
    if scheme == "screen":
        from rtseg.video.screen import open_screen

        return open_screen(uri)
    if is_url(uri):
        from rtseg.video.stream import open_stream

        return open_stream(uri)
    if not uri:
        raise SourceError("the name of the source is empty; give a file, a folder, a camera or a URL")
    path = local_path(uri)
    try:
        if uri.isdecimal() or uri.startswith("/dev/video") or path.is_char_device():
            from rtseg.video.camera import CameraSource

            return CameraSource(uri, camera)
        return _open_path(path)
    except OSError as error:
        raise SourceError(f"{uri}: cannot be read ({error.strerror})") from error


def check_path(uri: str) -> None:
    """Raises SourceError where it names a file or folder that is not there; opens nothing."""
    path = Path(uri)
    is_device = uri.isdecimal() or uri.startswith("/dev/")
    if not (is_device or "://" in uri or path.exists() or any(character in uri for character in _WILD)):
        raise SourceError(f"{path}: no such file or folder{_similar(path)}")


def _open_path(path: Path) -> Source:
    from rtseg.video.file import VideoSource
    from rtseg.video.images import ImagesSource

    if path.is_dir():
        return ImagesSource(str(path))
    if path.is_fifo():
        raise SourceError(f"{path}: is a pipe; write what comes through it to a file first")
    if path.exists():
        is_picture = path.suffix.lower() in IMAGE_SUFFIXES
        return ImagesSource(str(path)) if is_picture else VideoSource(str(path))
    if any(character in str(path) for character in _WILD):
        return ImagesSource(str(path))
    raise SourceError(f"{path}: no such file or folder{_similar(path)}")


def _similar(path: Path) -> str:
    """A hint at what is there, for a name that is mistyped."""
    import difflib

    if not path.parent.is_dir():
        return f"; the folder {path.parent} does not exist either"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else "; check its name"
