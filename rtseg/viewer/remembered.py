"""What the window takes up from the last time, keeps for the next, and forgets when it is told to."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QByteArray
from PyQt6.QtWidgets import QMainWindow

from rtseg.frame import Size
from rtseg.labels import Rgb
from rtseg.runtime.request import SourceRequest
from rtseg.runtime.session import Session
from rtseg.runtime.style import Style
from rtseg.viewer.parts import Parts
from rtseg.viewer.picture import fitted
from rtseg.viewer.settings import Settings

_LARGEST: Size = (1280, 720)


class Remembered:
    """Between the settings and the parts of a window. GUI thread only."""

    def __init__(self, window: QMainWindow, parts: Parts, settings: Settings) -> None:
        self._window, self._parts, self._settings = window, parts, settings
        self._has_place = False

    def restore(self) -> None:
        """As it was when it was closed; on the first day as large as looks well."""
        settings, parts = self._settings, self._parts
        parts.side_panel.set_folded(settings.folded)
        parts.set_panel_wanted(settings.panel_shown)
        parts.canvas.set_view(replace(parts.canvas.view, mode=settings.view_mode))
        parts.start_page.set_recent(settings.recent)
        self._has_place = self._window.restoreGeometry(QByteArray(settings.geometry))
        if not self._has_place:
            self._fit_to(_LARGEST)

    def first_picture(self, size: Size) -> None:
        """Have its aspect, where no place is remembered."""
        if not self._has_place:
            self._has_place = True
            self._fit_to(size)

    def keep_place(self) -> None:
        """Where the window is, and what is folded."""
        if not self._window.isFullScreen():
            self._settings.geometry = self._window.saveGeometry().data()
        self._settings.folded = self._parts.side_panel.folded

    def keep_source(self, request: SourceRequest) -> None:
        """Among the recent ones, if it is a single one that can be opened again."""
        if len(request.uris) == 1 and not request.is_demo:
            self._settings.add_recent(request.uris[0])

    def keep_style(self, style: Style, before: Style) -> None:
        """What the user has changed of it: what the command line asked for is for this time alone."""
        settings, panel = self._settings, self._parts.side_panel.classes
        if style.opacity != before.opacity:
            settings.opacity = style.opacity
        if style.colors != before.colors:
            settings.colors, settings.palette_name = style.colors, panel.palette_name
        if style.classes != before.classes:
            settings.hidden = panel.hidden

    def show_classes(self, session: Session, classes: tuple[str, ...], palette: tuple[Rgb, ...]) -> None:
        """In the style that the session has, less what was hidden when a window was last open."""
        panel = self._parts.side_panel.classes
        first, before = not panel.rows, tuple(panel.rows)
        panel.set_classes(classes, palette)
        style = session.style
        if first:
            if style.classes is None and self._settings.hidden:
                shown = tuple(name for name in classes[1:] if name not in self._settings.hidden)
                style = replace(style, classes=shown)
                session.set_style(style)
            panel.set_style(style)
        elif tuple(panel.rows) != before:  # another network, which knows others
            session.set_style(panel.chosen_style)

    def forget(self) -> None:
        """As on the first day; sources and network stay."""
        parts = self._parts
        self._settings.reset()
        parts.side_panel.classes.reset()
        parts.side_panel.set_folded(())
        parts.canvas.set_view(replace(parts.canvas.view, mode="overlay", zoom=1.0, split=0.5))
        parts.set_panel_wanted(True)
        parts.start_page.set_recent(())

    def _fit_to(self, picture: Size) -> None:
        """Have the picture's aspect on the canvas, as large as looks well on this screen."""
        window, panel = self._window, self._parts.side_panel
        screen, menu_bar = window.screen(), window.menuBar()
        if screen is None or window.isFullScreen() or window.isMaximized():
            return
        room = screen.availableSize() * 0.9
        beside = panel.width() if self._settings.panel_shown else 0
        above = 0 if menu_bar is None else menu_bar.sizeHint().height()
        width, height = fitted(
            picture, (min(_LARGEST[0], room.width() - beside), min(_LARGEST[1], room.height() - above))
        )
        window.resize(width + beside, height + above)
