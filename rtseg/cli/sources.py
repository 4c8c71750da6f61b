"""What `rtseg run` is to take its pictures from: one source, several in a grid, or the demo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.runtime.request import SourceRequest
    from rtseg.video.camera_format import CameraFormat

MOST = 16
_TILE_SIDES = (64, 4096)


def asked_for(
    cameras: Sequence[str],
    sources: Sequence[str],
    *,
    demo: bool,
    camera: CameraFormat,
    tile_size: str | None,
    demo_size: str,
    seed: int,
) -> SourceRequest:
    """Raises ConfigError for what does not go together."""
    from rtseg.errors import ConfigError
    from rtseg.runtime.request import DEMO, SourceRequest
    from rtseg.video.camera_format import CameraFormat

    uris = (*cameras, *sources)
    if demo == bool(uris):
        raise ConfigError(
            f"{len(uris) + demo} sources given; name one of --camera NUMBER, --source FILE-OR-URL (several "
            "make a grid) or --demo"
        )
    if len(uris) > MOST:
        raise ConfigError(f"{len(uris)} sources given; at most {MOST} are shown in a grid")
    if not cameras and camera != CameraFormat():
        raise ConfigError("--camera-size, --camera-fps and --camera-format are for --camera NUMBER")
    tile = None if tile_size is None else common.parse_size(tile_size)
    if tile is not None:
        least, most = _TILE_SIDES
        if len(uris) < 2:
            raise ConfigError("--tile-size is for several sources, which are shown in a grid")
        if any(side % 2 or not least <= side <= most for side in tile):
            raise ConfigError(
                f"--tile-size {tile_size}: both sides must be even, from {least} to {most} pixels"
            )
    return SourceRequest(uris or (DEMO,), camera, tile, common.parse_size(demo_size), seed)
