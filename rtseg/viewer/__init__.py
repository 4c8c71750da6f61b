"""The PyQt6 window. Only the modules in here know Qt, and importing this package loads none of it."""

from __future__ import annotations

from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.shown import Shown
from rtseg.viewer.availability import unavailable

__all__ = ["show", "unavailable"]


def show(pipeline: Pipeline, view: LatestSlot[Shown], *, title: str, close_at_end: bool = False) -> None:
    """Show a started pipeline in a window until the user closes it; see `rtseg.viewer.app.show`."""
    from rtseg.viewer import app

    app.show(pipeline, view, title=title, close_at_end=close_at_end)
