"""A list to choose from by a click, or by arrow keys and Enter; it says so where it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QWidget

_URI = Qt.ItemDataRole.UserRole
_ROW_PX = 28


@dataclass(frozen=True)
class Choice:
    """A row: what it stands for, and its name. A name may be elided in its middle where it is a path."""

    uri: str
    name: str
    elided: bool = False


class ChoiceList(QListWidget):
    """GUI thread only."""

    chosen = pyqtSignal(str)
    """The uri of the row."""

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setSpacing(3)
        self.setMinimumHeight(2 * _ROW_PX)
        self.itemClicked.connect(self._choose)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt."""
        return QSize(280, 7 * (_ROW_PX + 3))

    def set_choices(self, choices: Sequence[Choice], empty: str) -> None:
        """Show these rows, or where there are none what is said instead."""
        self._empty = empty
        self.setAccessibleDescription("" if choices else empty)
        self.clear()
        for choice in choices:
            item = QListWidgetItem(choice.name, self)
            item.setData(_URI, choice.uri)
            item.setSizeHint(QSize(0, _ROW_PX))
            if choice.elided:
                item.setToolTip(choice.name)
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_URI))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        item = self.currentItem()
        if event is not None and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and item is not None:
            self._choose(item)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        super().paintEvent(event)
        viewport = self.viewport()
        if self.count() or viewport is None:
            return
        painter = QPainter(viewport)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(viewport.rect().adjusted(12, 6, -12, -6), flags, self._empty)
        painter.end()
