"""What `rtseg run` is to take its pictures from: one source, several in a grid, or the demo."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.frame import Size
    from rtseg.runtime.pipeline import Policy
    from rtseg.video.camera_format import CameraFormat
    from rtseg.video.source import Source

MOST = 16
_TILE_SIDES = (64, 4096)


@dataclass(frozen=True)
class SourceConfig:
    """What was named on the command line."""

    uris: tuple[str, ...]
    """Cameras first; none for the demo."""
    camera: CameraFormat
    tile_size: Size | None
    demo_size: Size
    seed: int

    @property
    def is_demo(self) -> bool:
        return not self.uris


def asked_for(
    cameras: Sequence[str],
    sources: Sequence[str],
    *,
    demo: bool,
    camera: CameraFormat,
    tile_size: str | None,
    demo_size: str,
    seed: int,
) -> SourceConfig:
    """Raises ConfigError for what does not go together."""
    from rtseg.errors import ConfigError
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
    return SourceConfig(uris, camera, tile, common.parse_size(demo_size), seed)


def open_asked(config: SourceConfig, *, policy: Policy, display: bool) -> Source:
    """Open what was named, all of it or nothing. Raises SourceError."""
    from rtseg.runtime.grid import CELL, GridSource
    from rtseg.video.player import Player
    from rtseg.video.source import open_source

    if config.is_demo:
        from rtseg.video.demo.source import DemoSource

        # Without anybody watching, the demo has no hurry: its video is whole and smooth.
        paced = display if policy == "auto" else policy == "latest"
        return DemoSource(config.demo_size, seed=config.seed, paced=paced)
    with ExitStack() as stack:
        opened = [stack.enter_context(open_source(uri, config.camera)) for uri in config.uris]
        source = opened[0] if len(opened) == 1 else GridSource(opened, config.tile_size or CELL)
        stack.pop_all()
    # A recording is watched at its own speed, and stands in for a camera at that; else it is done as fast as
    # possible.
    is_watched = (display or policy == "latest") and not source.live
    return Player(source, keep_open=False) if is_watched else source
