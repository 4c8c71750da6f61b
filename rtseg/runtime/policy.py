"""Which frames come out: the latest, while older ones drop out, or every one."""

from __future__ import annotations

from typing import Literal

from rtseg.errors import ConfigError
from rtseg.video.source import Source

Policy = Literal["auto", "latest", "every-frame"]


def is_latest(source: Source, policy: Policy) -> bool:
    """Whether the newest frame is shown and older ones drop out; auto does so for live sources."""
    return source.live if policy == "auto" else policy == "latest"


def check_may_drop(source: Source, latest: bool) -> None:
    """Raises ConfigError where every frame is to come out."""
    if not latest:
        raise ConfigError(
            f"--max-age and --adaptive leave frames out, but every frame of {source.name} is to come out; "
            "add --policy latest, which plays it as if it came from a camera"
        )
