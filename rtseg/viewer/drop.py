"""What is dropped onto the window, or typed as an address, as a source that `open_source` takes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from PyQt6.QtCore import QMimeData, QUrl

from rtseg.errors import SourceError
from rtseg.video.source import is_url
from rtseg.viewer import texts

_HOSTLESS = ("csi://", "screen://", "demo://", "udp://")
_LONGEST = 4096


def dropped(data: QMimeData | None) -> str | None:
    """The first file, folder or link in it; None where there is none. GUI thread."""
    if data is None:
        return None
    for url in data.urls() if data.hasUrls() else ():
        if url.isLocalFile():
            path = Path(url.toLocalFile())
            if path.exists():
                return str(path)
        elif trouble(uri := url.toString(QUrl.ComponentFormattingOption.FullyEncoded)) is None:
            return uri
    text = data.text().strip() if data.hasText() else ""
    return resolved(text) if text and trouble(text) is None else None


def resolved(text: str) -> str:
    """An address as `open_source` takes it: of a path, ~ is the user's folder."""
    text = text.strip()
    return text if is_url(text) else str(Path(text).expanduser())


def trouble(text: str) -> str | None:
    """What is wrong with an address, for people; None where it can be tried."""
    text = text.strip()
    if is_url(text):
        return _trouble_of_url(text)
    try:
        exists = len(text) <= _LONGEST and "\n" not in text and Path(resolved(text)).exists()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have; ~ of somebody unknown
        exists = False
    return None if exists else texts.NO_SUCH_PATH.format(path=text[:80])


def _trouble_of_url(uri: str) -> str | None:
    from rtseg.video.connection import Target
    from rtseg.video.urls import redacted

    if uri.lower().startswith(_HOSTLESS[:3]):
        return None
    try:
        Target.of(uri)
        host = urlsplit(uri).hostname
    except SourceError as error:
        return str(error)
    except ValueError:
        host = None
    if not host and not uri.lower().startswith(_HOSTLESS):
        return texts.NO_HOST.format(uri=redacted(uri))
    return None
