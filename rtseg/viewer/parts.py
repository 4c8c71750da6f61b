"""What is inside the window, and which of it is seen when."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from rtseg.viewer.banner import Banner
from rtseg.viewer.canvas import Canvas
from rtseg.viewer.playback_bar import PlaybackBar
from rtseg.viewer.side_panel import SidePanel
from rtseg.viewer.start_page import StartPage

_MARGIN_PX = 12
_NOTE_PX = 640
_MOVES_NOTE = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.LayoutRequest}


class Parts(QWidget):
    """Picture or start page, the panel beside them, the banner above, the bar below. GUI thread only.

    The start page stands alone as long as nothing plays, unless the panel is asked for there.
    """

    arranged = pyqtSignal()
    """What is seen may be another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas, self.start_page = Canvas(), StartPage()
        self.banner, self.side_panel, self.playback_bar = Banner(), SidePanel(), PlaybackBar()
        self.note = Banner(self)
        """Floats on the picture, which it does not move."""
        self.plays = False
        """Whether there is a source."""
        self.is_recording = False
        """Whether it is one that has a bar to be driven with."""
        self._alone = False
        self._panel_wanted, self._panel_asked = True, False
        self._pages = QStackedWidget()
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(self.canvas)
        self._pages.setCurrentWidget(self.canvas)
        beside = QHBoxLayout()
        beside.setSpacing(0)
        beside.addWidget(self._pages, stretch=1)
        beside.addWidget(self.side_panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addLayout(beside, stretch=1)
        column.addWidget(self.playback_bar)
        self._pages.installEventFilter(self)
        self.note.installEventFilter(self)
        self._arrange()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Called by Qt: keeps the note in the corner that no panel is in."""
        if event is not None and event.type() in _MOVES_NOTE:
            self._place_note()
        return super().eventFilter(watched, event)

    def _place_note(self) -> None:
        area, note = self._pages.geometry(), self.note
        width = min(note.one_line_width, area.width() - 2 * _MARGIN_PX, _NOTE_PX)
        height = max(note.heightForWidth(width), note.minimumSizeHint().height())
        note.setGeometry(area.right() + 1 - _MARGIN_PX - width, area.top() + _MARGIN_PX, width, height)
        note.raise_()

    @property
    def asks_for_source(self) -> bool:
        """Whether the start page is what is seen."""
        return self._pages.currentWidget() is self.start_page

    @property
    def panel_shown(self) -> bool:
        """Whether the side panel is seen where the window is."""
        return not self.side_panel.isHidden()

    def show_start_page(self) -> None:
        """Ask for a source; what plays goes on behind it."""
        if not self.asks_for_source:
            self._panel_asked = False
        self._pages.setCurrentWidget(self.start_page)
        self._arrange()

    def show_canvas(self) -> None:
        """The picture, or the place where it will be."""
        self._pages.setCurrentWidget(self.canvas)
        self._arrange()

    def set_playing(self, *, plays: bool, is_recording: bool) -> None:
        """Tell it of `plays` and `is_recording`."""
        self.plays, self.is_recording = plays, is_recording
        self.start_page.set_way_back(plays)
        self._arrange()

    def set_alone(self, alone: bool) -> None:
        """Nothing but the picture, as on the full screen; or all as before."""
        self._alone = alone
        self._arrange()

    def set_panel_wanted(self, wanted: bool) -> None:
        """Show the side panel wherever it has something to act on, or nowhere."""
        self._panel_wanted = wanted
        self._arrange()

    def ask_for_panel(self, asked: bool) -> None:
        """Show it, or hide it, where it is not seen by itself."""
        self._panel_asked = asked
        self._arrange()

    @property
    def panel_is_optional(self) -> bool:
        """Whether the start page stands alone, or the picture does, so that a panel has to be asked for."""
        return self._alone or (self.asks_for_source and not self.plays)

    def _arrange(self) -> None:
        self.side_panel.setVisible(self._panel_asked if self.panel_is_optional else self._panel_wanted)
        self.playback_bar.setVisible(self.is_recording and not self._alone)
        self.arranged.emit()
