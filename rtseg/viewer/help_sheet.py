"""The list of keys, laid over the window."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from PyQt6.QtCore import QEvent, QObject, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from rtseg.viewer import texts, theme
from rtseg.viewer.commands import COMMANDS, Command
from rtseg.viewer.key_caps import KeyCaps
from rtseg.viewer.panels import text_font

_VEIL: Final = QColor(10, 12, 16, 150)
_MARGIN_PX: Final = 24
_RADIUS_PX: Final = 10
_COLUMN_UNITS: Final = 21  # of the text's height
_MOST_COLUMNS: Final = 3
_CLOSING: Final = {Qt.Key.Key_Escape, Qt.Key.Key_Question, Qt.Key.Key_F1}
_SCROLLING: Final = {
    Qt.Key.Key_Up: -60,
    Qt.Key.Key_Down: 60,
    Qt.Key.Key_PageUp: -400,
    Qt.Key.Key_PageDown: 400,
}


class HelpSheet(QWidget):
    """Covers its parent while it is shown. GUI thread only; closes with Esc, ? or a click."""

    closed = pyqtSignal()

    def __init__(self, parent: QWidget, commands: Sequence[Command] = COMMANDS) -> None:
        super().__init__(parent)
        self.setAccessibleName(texts.HELP_TITLE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        listed = [command for command in commands if command.sequences]
        groups = groupby(listed, lambda command: command.group)
        self._inside = QWidget()
        self._groups = [_Keys(name, list(members), self._inside) for name, members in groups]
        self._columns: list[QVBoxLayout] = []
        self._beside = QHBoxLayout()
        self._beside.setSpacing(2 * _MARGIN_PX)

        title, how = QLabel(texts.HELP_TITLE), QLabel(texts.HELP_CLOSE)
        title.setFont(text_font(1.4 * self.fontInfo().pixelSize(), bold=True))
        how.setForegroundRole(how.palette().ColorRole.PlaceholderText)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(how)
        column = self._content = QVBoxLayout(self._inside)
        column.setContentsMargins(_MARGIN_PX, _MARGIN_PX - 6, _MARGIN_PX, _MARGIN_PX)
        column.setSpacing(16)
        column.addLayout(head)
        column.addLayout(self._beside)
        column.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(self._inside)
        for widget in (self._scroll.viewport(), self._inside):
            if widget is not None:
                widget.setAutoFillBackground(False)  # the card is painted below them
        self.hide()
        parent.installEventFilter(self)

    def toggle(self) -> None:
        """Show or close it."""
        parent = self.parentWidget()
        if self.isVisible() or parent is None:
            self.close_sheet()
            return
        self.setGeometry(parent.rect())
        self._lay_out()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_sheet(self) -> None:
        """Give the window back."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Called by Qt for events of the parent: cover it whatever size it takes."""
        parent = self.parentWidget()
        if event is not None and event.type() == QEvent.Type.Resize and parent is not None:
            self.setGeometry(parent.rect())
        return super().eventFilter(watched, event)

    def event(self, event: QEvent | None) -> bool:
        """Called by Qt: while it is shown its own keys go before the window's shortcuts."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in _CLOSING | set(_SCROLLING)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        bar = self._scroll.verticalScrollBar()
        if event is not None and event.key() in _CLOSING:
            self.close_sheet()
        elif event is not None and event.key() in _SCROLLING and bar is not None:
            bar.setValue(bar.value() + _SCROLLING[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        self.close_sheet()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        super().resizeEvent(event)
        self._lay_out()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        colors = theme.colors(self.palette())
        painter = QPainter(self)
        painter.fillRect(self.rect(), _VEIL)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colors.edge)
        painter.setBrush(colors.card)
        card = QRectF(self._scroll.geometry()).adjusted(-0.5, -_RADIUS_PX, 0.5, _RADIUS_PX)
        painter.drawRoundedRect(card, _RADIUS_PX, _RADIUS_PX)

    def _lay_out(self) -> None:
        """As many columns as fit, in the middle."""
        room = self.size() - QSize(2 * _MARGIN_PX, 2 * (_MARGIN_PX + _RADIUS_PX))
        column_px = _COLUMN_UNITS * self.fontInfo().pixelSize() + 2 * _MARGIN_PX
        self._fill(max(1, min(_MOST_COLUMNS, room.width() // column_px)))
        self._content.activate()  # now, and not when Qt next comes round: the size is wanted here
        wanted = self._inside.sizeHint()
        bar = self._scroll.verticalScrollBar()
        if wanted.height() > room.height() and bar is not None:
            wanted.setWidth(wanted.width() + bar.sizeHint().width())
        size = wanted.boundedTo(room)
        self._scroll.resize(size)
        self._scroll.move((self.width() - size.width()) // 2, (self.height() - size.height()) // 2)

    def _fill(self, count: int) -> None:
        """Deal the groups out to so many columns, in their order and about equally long."""
        if len(self._columns) == count:
            return
        for column in self._columns:
            self._beside.removeItem(column)
        self._columns = [QVBoxLayout() for _ in range(count)]
        lines = [group.lines for group in self._groups]
        for place, group in enumerate(self._groups):
            middle = sum(lines[:place]) + lines[place] / 2
            self._columns[min(count - 1, int(count * middle / sum(lines)))].addWidget(group)
        for column in self._columns:
            column.setSpacing(16)
            column.addStretch(1)
            self._beside.addLayout(column, stretch=1)


class _Keys(QWidget):
    """A group of commands with their keys."""

    def __init__(self, name: str, commands: Sequence[Command], parent: QWidget) -> None:
        super().__init__(parent)
        self.lines = len(commands) + 2
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        heading = QLabel(name, self)
        heading.setFont(text_font(self.fontInfo().pixelSize(), bold=True))
        grid.addWidget(heading, 0, 0, 1, 2)
        for row, command in enumerate(commands, start=1):
            words = QLabel(command.text.rstrip(" …"), self)
            words.setToolTip(command.tip)
            grid.addWidget(words, row, 0)
            grid.addWidget(KeyCaps(command.key_names, self), row, 1, Qt.AlignmentFlag.AlignRight)
