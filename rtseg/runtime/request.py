"""What pictures are asked for, before anything of it is open."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from rtseg.frame import Size
from rtseg.runtime.grid import CELL, GridSource
from rtseg.runtime.policy import Policy
from rtseg.video.camera_format import CameraFormat
from rtseg.video.player import Player
from rtseg.video.source import Source, open_source
from rtseg.video.urls import redacted

DEMO: Final = "demo://"


@dataclass(frozen=True)
class SourceRequest:
    """A source, or several in a grid."""

    uris: tuple[str, ...]
    """As `open_source` takes them; DEMO alone is the street that rtseg draws."""
    camera: CameraFormat = field(default_factory=CameraFormat)
    tile_size: Size | None = None
    demo_size: Size = (1280, 720)
    seed: int = 1

    @property
    def name(self) -> str:
        """For people: without passwords."""
        return "demo" if self.is_demo else " + ".join(redacted(uri) for uri in self.uris)

    @property
    def is_demo(self) -> bool:
        return self.uris == (DEMO,)


def open_request(request: SourceRequest, *, policy: Policy, watched: bool) -> Source:
    """Open what was named, all of it or nothing. Raises SourceError.

    A recording that is watched comes at its own speed and stays open at its end; one that stands in for a
    camera ends. Else it is done as fast as possible.
    """
    if request.is_demo:
        from rtseg.video.demo.source import DemoSource

        # Without anybody watching, the demo has no hurry: its video is whole and smooth.
        paced = watched if policy == "auto" else policy == "latest"
        return DemoSource(request.demo_size, seed=request.seed, paced=paced)
    with ExitStack() as stack:
        opened = [stack.enter_context(open_source(uri, request.camera)) for uri in request.uris]
        source = opened[0] if len(opened) == 1 else GridSource(opened, request.tile_size or CELL)
        stack.pop_all()
    if (watched or policy == "latest") and not source.live:
        return Player(source, keep_open=watched)
    return source
