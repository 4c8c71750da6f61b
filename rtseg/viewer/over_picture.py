"""Which panels lie over the picture: figures, the classes' colours, and what is going on."""

from __future__ import annotations

from PyQt6.QtCore import Qt

from rtseg.runtime.state import State
from rtseg.viewer import content, words
from rtseg.viewer.meter import Reading
from rtseg.viewer.panels import Panel


def panels(state: State, reading: Reading, level: str) -> dict[Qt.Corner, Panel]:
    """By their corner, at a level of `content.HUD_LEVELS`; none while nothing plays."""
    playing = state.playing
    if playing is None:
        return {}
    running = words.running(state, playing)
    laid = {
        Qt.Corner.TopLeftCorner: content.head_up_display(running, reading, level),
        Qt.Corner.BottomLeftCorner: None if level == "none" else content.legend(running, reading),
        Qt.Corner.BottomRightCorner: words.status(state, playing, with_keys=level == "full"),
    }
    return {corner: panel for corner, panel in laid.items() if panel is not None}


def level_after(level: str) -> str:
    """The next one, and after the last the first."""
    levels = content.HUD_LEVELS
    return levels[(levels.index(level) + 1) % len(levels)]
