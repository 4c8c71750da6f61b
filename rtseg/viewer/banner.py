"""A strip of words: what went wrong and what to do about it, or a quiet note. Never a dialog."""

from __future__ import annotations

from typing import Final, Literal

from PyQt6.QtCore import QEvent, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from rtseg.viewer import texts, theme
from rtseg.viewer.panels import text_font

Level = Literal["trouble", "note"]
_STRIPE_PX: Final = 4


class Banner(QWidget):
    """Hidden while there is nothing to say. GUI thread only."""

    retried = pyqtSignal()
    """The button was pressed; the banner stays until it is cleared."""
    dismissed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.level: Level = "note"
        self.words = _words(self)
        self.words.setFont(text_font(self.fontInfo().pixelSize(), bold=True))
        self.mend = _words(self)
        self.button = QPushButton(self)
        self.button.clicked.connect(self.retried)
        self.close_button = QToolButton(self)
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setToolTip(texts.DISMISS_TIP)
        self.close_button.setAccessibleName(texts.DISMISS)
        self.close_button.clicked.connect(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)

        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addWidget(self.words)
        lines.addWidget(self.mend)
        row = QHBoxLayout(self)
        row.setContentsMargins(14 + _STRIPE_PX, 9, 10, 9)
        row.setSpacing(10)
        row.addLayout(lines, stretch=1)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return self.words.text()

    @property
    def one_line_width(self) -> int:
        """What it takes to say it without a break; labels that may break ask for much less."""
        beside = self.sizeHint().width() - max(self.words.sizeHint().width(), self.mend.sizeHint().width())
        lines = [label.fontMetrics().horizontalAdvance(label.text()) for label in (self.words, self.mend)]
        return beside + max(lines) + 2

    def show_trouble(self, text: str, mend: str = "", retry: str | None = None) -> None:
        """Say what went wrong, what to do, and offer to try again with a button of these words."""
        self._show("trouble", text, mend, retry)

    def show_note(self, text: str, mend: str = "", button: str | None = None, for_ms: int = 0) -> None:
        """Say what was done. for_ms hides it again after a while; a trouble is not overwritten by a note."""
        if self.level == "trouble" and self.text:
            return
        self._show("note", text, mend, button)
        if for_ms:
            self._timer.start(for_ms)

    def _show(self, level: Level, text: str, mend: str, button: str | None) -> None:
        self._timer.stop()
        self.level = level
        self.words.setText(text)
        self.mend.setText(mend)
        self.mend.setVisible(bool(mend))
        self.button.setText(button or "")
        self.button.setVisible(button is not None)
        self.setAccessibleName(texts.TROUBLE if level == "trouble" else texts.NOTE)
        self.setAccessibleDescription(f"{text} {mend}".strip())
        self._take_colors()
        self.show()

    def clear(self) -> None:
        """Nothing to say any more."""
        self._timer.stop()
        self.words.clear()
        self.hide()

    def dismiss(self) -> None:
        """What the cross does, and Esc in the window."""
        self.clear()
        self.dismissed.emit()

    @property
    def _back(self) -> tuple[QColor, QColor]:
        colors = theme.colors(self._outside())
        if self.level == "trouble":
            return colors.trouble_back, colors.trouble_text
        return colors.note_back, colors.note_text

    def _outside(self) -> QPalette:
        parent = self.parentWidget()
        return parent.palette() if parent is not None else self.palette()

    def _take_colors(self) -> None:
        _, text = self._back
        for label in (self.words, self.mend, self.close_button):
            palette = QPalette(label.palette())
            for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
                palette.setColor(role, text)
            label.setPalette(palette)
        self.update()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._take_colors()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        back, text = self._back
        painter = QPainter(self)
        painter.fillRect(self.rect(), back)
        painter.fillRect(0, 0, _STRIPE_PX, self.height(), text)


def _words(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
