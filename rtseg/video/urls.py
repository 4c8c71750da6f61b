"""URLs of streams: what they are called without their secrets."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)([?&;][^=&;#]*(?:pass|pwd|user|token|key|secret|auth|sig|credential|session)[^=&;#]*=)[^&;#]*"
)


def redacted(uri: str) -> str:
    """The URL without user name and password, and with dots for values of parameters that look like secrets.

    >>> redacted("rtsp://me:word@camera/live?token=1234&channel=2")
    'rtsp://camera/live?token=...&channel=2'
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    authority = re.match(r"[^/?#]*", rest)
    host = authority[0] if authority else ""
    cut = host.rfind("@")
    if cut < 0 and not re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?", host):
        cut = rest.rfind("@")  # a password with a slash in it, which nobody may see either
    return f"{scheme}://" + _SECRET.sub(r"\1...", rest[cut + 1 :])
