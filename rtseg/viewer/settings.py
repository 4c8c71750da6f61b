"""What the window remembers from one day to the next, checked when it is read: anybody may edit the file."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, overload

from PyQt6.QtCore import QSettings, QStandardPaths

from rtseg.labels import Rgb
from rtseg.runtime.view import MODES
from rtseg.video.urls import redacted
from rtseg.viewer.content import HUD_LEVELS

RECENT_KEPT: Final = 10
_LONGEST: Final = 4096
T = TypeVar("T")


class _Setting(Generic[T]):
    """A value kept as JSON text; `read` makes it of what is found and raises ValueError for nonsense."""

    def __init__(
        self, key: str, default: T, read: Callable[[Any], T], write: Callable[[T], Any] = lambda value: value
    ) -> None:
        self._key, self._default, self._read, self._write = key, default, read, write

    @overload
    def __get__(self, settings: None, owner: type[Settings]) -> _Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type[Settings]) -> T: ...
    def __get__(self, settings: Settings | None, owner: type[Settings]) -> T | _Setting[T]:
        if settings is None:
            return self
        text = settings.store.value(self._key)
        if not isinstance(text, str):
            return self._default
        try:
            return self._read(json.loads(text))
        except (ValueError, TypeError, RecursionError, OverflowError):
            return self._default

    def __set__(self, settings: Settings, value: T) -> None:
        settings.store.setValue(self._key, json.dumps(self._write(value)))


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(value)
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
        raise ValueError(value)
    return value


def _one_of(names: tuple[T, ...]) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        for name in names:
            if value == name:
                return name
        raise ValueError(value)

    return read


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(value)
    return tuple(_text(each) for each in value[:1000])


def _colors(value: Any) -> tuple[tuple[str, Rgb], ...]:
    if not isinstance(value, dict):
        raise ValueError(value)
    colors = []
    for name, parts in value.items():
        if len(parts) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in parts):
            raise ValueError(value)
        colors.append((_text(name), (parts[0], parts[1], parts[2])))
    return tuple(colors)


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError(value) from error


def _folder(value: Any) -> Path | None:
    path = Path(_text(value))
    return path if path.is_absolute() else None


class Settings:
    """GUI thread only. Each attribute can be set; what is broken or missing reads as its default.

    geometry and state are what QMainWindow.saveGeometry and saveState gave, empty where nothing is kept.
    """

    geometry = _Setting("window/geometry", b"", _bytes, lambda data: base64.b64encode(data).decode())
    state = _Setting("window/state", b"", _bytes, lambda data: base64.b64encode(data).decode())
    panel_shown = _Setting("panel/shown", True, _bool)
    folded = _Setting[tuple[str, ...]]("panel/folded", (), _texts)
    view_mode = _Setting("view/mode", MODES[0], _one_of(MODES))
    hud_level = _Setting("view/hud", "short", _one_of(HUD_LEVELS))
    opacity = _Setting("classes/opacity", 0.5, _share)
    palette_name = _Setting("classes/palette", "", _text)
    colors = _Setting[tuple[tuple[str, Rgb], ...]]("classes/colors", (), _colors, dict)
    hidden = _Setting[tuple[str, ...]]("classes/hidden", (), _texts)
    _recent = _Setting[tuple[str, ...]]("sources/recent", (), _texts)
    _captures = _Setting[Path | None]("captures/folder", None, _folder, str)

    def __init__(self, store: QSettings | None = None) -> None:
        """Store is where they are kept, that of the user unless said."""
        self.store = QSettings("rtseg", "viewer") if store is None else store

    @property
    def recent(self) -> tuple[str, ...]:
        """The last sources, the newest first; files and folders that are gone are left out."""
        return tuple(uri for uri in self._recent[:RECENT_KEPT] if _is_address(uri) or _is_there(uri))

    def add_recent(self, uri: str) -> None:
        """Put a source first. A URL is kept without its user, password and what else looks secret."""
        kept = redacted(uri) if _is_address(uri) else str(Path(uri).absolute())
        self._recent = (kept, *(each for each in self._recent if each != kept))[:RECENT_KEPT]

    def forget_recent(self) -> None:
        """No recent sources."""
        self._recent = ()

    @property
    def captures(self) -> Path:
        """The folder of snapshots and recordings; not made yet, perhaps."""
        kept = self._captures
        if kept is not None:
            return kept
        videos = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        return (Path(videos) if videos else Path.home()) / "rtseg"

    @captures.setter
    def captures(self, folder: Path) -> None:
        self._captures = folder.absolute()

    def reset(self) -> None:
        """Forget everything."""
        self.store.clear()
        self.store.sync()


def _is_address(uri: str) -> bool:
    """Whether it is a URL or a camera's number, and no path."""
    return "://" in uri or uri.isdecimal()


def _is_there(path: str) -> bool:
    """Whether a file or folder exists; of a glob, the folder that it is in."""
    fixed, *wild = re.split(r"[*?\[]", path, maxsplit=1)
    try:
        return Path(path).exists() or (bool(wild) and Path(f"{fixed}*").parent.is_dir())
    except OSError:
        return False
