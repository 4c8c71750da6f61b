"""The table of commands as QActions: in menus, with their keys, bound to what does them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PyQt6.QtWidgets import QMenuBar, QWidget

from rtseg.viewer.commands import COMMANDS, Command

Handler = Callable[[], object]
# With these, whatever has the focus is moved in: lists, sliders, buttons. They are commands on the picture.
_NAVIGATION: Final = {"Space", "Left", "Right", "Up", "Down", "Home"}
_CHECKABLE: Final = {
    "loop", "side_panel", "full_screen", "record_seen", "record_clean",
    "mode_overlay", "mode_mask", "mode_side", "mode_split",
}  # fmt: skip
_ONE_OF: Final = "mode_"
_MENU_BREAKS: Final = {"reopen", "loop", "zoom_in", "next_palette", "open_captures", "help", "close"}


class Actions:
    """Made once by a window. GUI thread only."""

    def __init__(self, window: QWidget, canvas: QWidget, handlers: Mapping[str, Handler]) -> None:
        """Handlers are by the id of the command; "toggle_class" has one for each key: "toggle_class 1"."""
        self.by_id: dict[str, QAction] = {}
        self._menus: dict[str, list[QAction]] = {}
        modes = QActionGroup(window)
        for group, members in groupby(COMMANDS, lambda command: command.group):
            actions = self._menus.setdefault(group, [])
            for command in members:
                if command.id in handlers:
                    actions.append(_action(command, window, canvas, handlers[command.id]))
                    self.by_id[command.id] = actions[-1]
                    if command.id.startswith(_ONE_OF):
                        modes.addAction(actions[-1])
                    continue
                for number, keys in enumerate(command.sequences, start=1):
                    shortcut = QShortcut(keys, window)
                    shortcut.activated.connect(handlers[f"{command.id} {number}"])

    def fill(self, bar: QMenuBar) -> None:
        """A menu for each group."""
        for group, actions in self._menus.items():
            menu = bar.addMenu(group)
            if menu is None:
                continue
            menu.setToolTipsVisible(True)
            for action in actions:
                if action.objectName() in _MENU_BREAKS:
                    menu.addSeparator()
                menu.addAction(action)

    def check(self, name: str, checked: bool) -> None:
        """Show a mark before it, or none. Nothing is done."""
        self.by_id[name].setChecked(checked)

    def enable(self, names: tuple[str, ...], enabled: bool) -> None:
        """Offer them, or show that they have nothing to act on."""
        for name in names:
            self.by_id[name].setEnabled(enabled)


def _action(command: Command, window: QWidget, canvas: QWidget, handler: Handler) -> QAction:
    action = QAction(command.text, window)
    action.setObjectName(command.id)
    action.setToolTip(command.tip)
    action.setStatusTip(command.tip)
    action.setCheckable(command.id in _CHECKABLE)
    action.triggered.connect(lambda _checked: handler())
    elsewhere = [keys for keys in command.sequences if not _navigates(keys)]
    action.setShortcuts(elsewhere)
    for keys in command.sequences:
        if _navigates(keys):
            shortcut = QShortcut(keys, canvas)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action.trigger)
            if keys == command.sequences[0]:  # which the menu shall show all the same
                action.setText(f"{command.text}\t{keys.toString(QKeySequence.SequenceFormat.NativeText)}")
    window.addAction(action)
    return action


def _navigates(keys: QKeySequence) -> bool:
    return keys.toString(QKeySequence.SequenceFormat.PortableText) in _NAVIGATION
