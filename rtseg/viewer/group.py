"""A heading that folds what is below it."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from rtseg.viewer import texts
from rtseg.viewer.panels import text_font


class Group(QWidget):
    """GUI thread only."""

    folded_changed = pyqtSignal()
    """By the user or by `set_folded`."""

    def __init__(self, title: str, body: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.body = body
        self.header = QToolButton(self)
        self.header.setText(title)
        self.header.setFont(text_font(self.fontInfo().pixelSize(), bold=True))
        self.header.setToolTip(texts.GROUP_TIP.format(group=title))
        self.header.setAccessibleName(title)
        self.header.setAutoRaise(True)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.clicked.connect(self._toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.header)
        column.addWidget(body)
        self.folded = False
        """Whether only the heading is seen."""
        self._show_body()

    def set_folded(self, folded: bool) -> None:
        """Fold or unfold."""
        if folded != self.folded:
            self.folded = folded
            self._show_body()
            self.folded_changed.emit()

    def _toggle(self) -> None:
        self.set_folded(not self.folded)

    def _show_body(self) -> None:
        self.header.setArrowType(Qt.ArrowType.RightArrow if self.folded else Qt.ArrowType.DownArrow)
        self.body.setVisible(not self.folded)
