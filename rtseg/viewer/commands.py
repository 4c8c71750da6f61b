"""Everything that the window can be told, with its keys: for menus, shortcuts and the help sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PyQt6.QtGui import QKeySequence

from rtseg.viewer import texts


@dataclass(frozen=True)
class Command:
    """One thing to do.

    keys are names of QKeySequence.StandardKey, which differ from platform to platform, or keys as
    QKeySequence reads them. Several of one pattern (Alt+1, Alt+2, ...) mean so many things of a list.
    """

    id: str
    group: str
    text: str
    keys: tuple[str, ...]
    tip: str

    @property
    def sequences(self) -> tuple[QKeySequence, ...]:
        """What is to be pressed on this platform, each once; may be none."""
        found = [sequence for key in self.keys for sequence in _sequences(key)]
        return tuple(sequence for place, sequence in enumerate(found) if sequence not in found[:place])

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as people of this platform write them; more than three as a range."""
        names = tuple(
            sequence.toString(QKeySequence.SequenceFormat.NativeText) for sequence in self.sequences
        )
        if len(names) > 3:
            return (texts.KEY_RANGE.format(first=names[0], last=names[-1]),)
        return names


def _sequences(key: str) -> list[QKeySequence]:
    standard = getattr(QKeySequence.StandardKey, key, None)
    if standard is None:
        return [QKeySequence(key)]
    # The first one is what menus show; the others are media keys and customs of former days.
    return QKeySequence.keyBindings(standard)[:1]


_TABLE: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    texts.SOURCES: {
        "open_file": ("Open",),
        "open_folder": ("Ctrl+Shift+O",),
        "open_url": ("Ctrl+U",),
        "pick_source": ("Ctrl+N",),
        "open_demo": ("Ctrl+D",),
        "reopen": ("Refresh", "Ctrl+R"),
    },
    texts.PLAYBACK: {
        "play": ("Space", "K"),
        "step_forward": (".",),
        "step_back": (",",),
        "seek_forward": ("Right",),
        "seek_back": ("Left",),
        "seek_start": ("Home",),
        "faster": (">",),
        "slower": ("<",),
        "loop": ("L",),
    },
    texts.VIEW: {
        "mode_overlay": ("1",),
        "mode_mask": ("2",),
        "mode_side": ("3",),
        "mode_split": ("4",),
        "zoom_in": ("ZoomIn", "+"),
        "zoom_out": ("ZoomOut", "-"),
        "zoom_fit": ("0", "Ctrl+0"),
        "zoom_pixels": ("Z",),
        "pan_left": ("Shift+Left",),
        "pan_right": ("Shift+Right",),
        "pan_up": ("Shift+Up",),
        "pan_down": ("Shift+Down",),
    },
    texts.CLASSES: {
        "opacity_up": ("]", "Up"),
        "opacity_down": ("[", "Down"),
        "toggle_class": tuple(f"Alt+{number}" for number in range(1, 10)),
        "show_all_classes": ("Alt+0",),
        "next_palette": ("C",),
    },
    texts.CAPTURES: {
        "snapshot": ("S",),
        "record_seen": ("R",),
        "record_clean": ("Shift+R",),
        "save_replay": ("B",),
        "open_captures": ("Ctrl+Shift+E",),
    },
    texts.WINDOW: {
        "hud": ("H",),
        "side_panel": ("P",),
        "choose_network": ("N",),
        "full_screen": ("F", "FullScreen", "F11"),
        "escape": ("Esc",),
        "help": ("?", "HelpContents"),
        "reset_settings": ("Ctrl+Shift+Backspace",),
        "close": ("Close", "Ctrl+W"),
        "quit": ("Q", "Quit", "Ctrl+Q"),
    },
}

COMMANDS: Final = tuple(
    Command(name, group, text, keys, tip)
    for group, rows in _TABLE.items()
    for name, keys in rows.items()
    for text, tip in (texts.COMMANDS[name],)
)
