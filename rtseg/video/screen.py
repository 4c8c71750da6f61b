"""The screen as a source, captured by FFmpeg."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from urllib.parse import parse_qsl

import av

from rtseg.errors import SourceError
from rtseg.video.connection import Target, connect
from rtseg.video.source import Source
from rtseg.video.stream import StreamSource

_FORMATS = {"linux": "x11grab", "win32": "gdigrab", "darwin": "avfoundation"}
_URI = re.compile(r"screen://(?P<display>:\d+(\.\d+)?)?(\+(?P<x>\d+),(?P<y>\d+))?/?(\?(?P<query>.*))?")
_HELP = "give screen://, or a part of it: screen://:0.0+10,20?size=640x480&fps=30"


@dataclass(frozen=True)
class _Part:
    """Which part of which screen, how often."""

    display: str
    offset: tuple[int, int] | None
    size: str | None
    rate: str


def open_screen(uri: str) -> Source:
    """Capture what screen://[:DISPLAY][+X,Y][?size=WxH&fps=N] names; without a part, all of the screen.

    Raises SourceError when it cannot be captured here.
    """
    part = _part(uri)
    device = _FORMATS.get(sys.platform)
    if device is None or device not in av.formats_available:
        raise SourceError(
            f"{uri}: this FFmpeg cannot capture the screen{f' (it lacks {device})' if device else ''}; "
            "install PyAV from its wheel, or record the screen with another program"
        )
    if device == "x11grab" and not part.display:
        raise SourceError(f"{uri}: DISPLAY is not set, so there is no X screen; name one: screen://:0.0")
    target = _target(uri, part, device)
    try:
        container = connect(target)
    except SourceError:
        raise SourceError(
            f"{uri}: cannot be captured; is {part.display or 'the screen'} there and yours, "
            "and the part within it?"
        ) from None
    return StreamSource(target, container)


def _part(uri: str) -> _Part:
    match = _URI.fullmatch(uri)
    options = dict(parse_qsl(match["query"] or "", keep_blank_values=True)) if match else {}
    size = options.pop("size", None)
    rate = options.pop("fps", "30")
    if (
        match is None
        or options
        or not (size is None or re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", size))
        or not re.fullmatch(r"[1-9]\d{0,2}", rate)
    ):
        raise SourceError(f"{uri}: is no part of a screen; {_HELP}")
    offset = (int(match["x"]), int(match["y"])) if match["x"] else None
    return _Part(match["display"] or os.environ.get("DISPLAY", ""), offset, size, rate)


def _target(uri: str, part: _Part, device: str) -> Target:
    options = {"framerate": part.rate}
    if part.size is not None:
        options["video_size"] = part.size
    url = {"x11grab": part.display, "gdigrab": "desktop", "avfoundation": "Capture screen 0:none"}[device]
    if part.offset is not None:
        x, y = part.offset
        if device == "avfoundation":
            raise SourceError(f"{uri}: on a Mac only the whole screen can be captured; give screen://")
        axes = ("offset_x", "offset_y") if device == "gdigrab" else ("grab_x", "grab_y")
        options |= {axes[0]: str(x), axes[1]: str(y)}
    return Target(uri, url, options, format=device)
