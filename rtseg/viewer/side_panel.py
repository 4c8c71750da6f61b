"""Classes, network and figures in one column of constant width beside the picture."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from rtseg.viewer import texts
from rtseg.viewer.classes_panel import ClassesPanel
from rtseg.viewer.group import Group
from rtseg.viewer.network_panel import NetworkPanel
from rtseg.viewer.plots_panel import PlotsPanel

_WIDTH_UNITS: Final = 23  # of the text's height, which grows with the desktop's font
_LEAST_WIDTH_PX: Final = 310


class SidePanel(QScrollArea):
    """The parts are `classes`, `network` and `plots`; each can be folded. GUI thread only."""

    folded_changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.classes = ClassesPanel()
        self.network = NetworkPanel()
        self.plots = PlotsPanel()
        self.groups = {
            "classes": Group(texts.CLASSES, self.classes),
            "network": Group(texts.NETWORK, self.network),
            "plots": Group(texts.PLOTS, self.plots),
        }
        self.setAccessibleName(texts.SIDE_PANEL)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        inside = QWidget()
        column = self._column = QVBoxLayout(inside)
        column.setContentsMargins(12, 8, 10, 12)
        column.setSpacing(14)
        for group in self.groups.values():
            column.addWidget(group)
            group.folded_changed.connect(self._folded)
        column.addStretch()
        self._share_room()
        self.setWidget(inside)
        width_px = max(_LEAST_WIDTH_PX, _WIDTH_UNITS * self.fontInfo().pixelSize())
        bar = self.verticalScrollBar()
        bar_px = 0 if bar is None else bar.sizeHint().width()
        self.setFixedWidth(width_px + bar_px)
        inside.setFixedWidth(width_px)  # the same with a scroll bar and without

    @property
    def folded(self) -> tuple[str, ...]:
        """Names of the groups that are folded."""
        return tuple(name for name, group in self.groups.items() if group.folded)

    def set_folded(self, names: Collection[str]) -> None:
        """Fold these and unfold the others; names of no group are passed over."""
        for name, group in self.groups.items():
            group.set_folded(name in names)

    def _folded(self) -> None:
        self._share_room()
        self.folded_changed.emit()

    def _share_room(self) -> None:
        """What height is left goes to the plots, or stays empty below the headings."""
        self._column.setStretchFactor(self.groups["plots"], 0 if self.groups["plots"].folded else 1)

    def go_to(self, name: str) -> None:
        """Unfold a group and give its first control the focus."""
        group = self.groups[name]
        group.set_folded(False)
        self.ensureWidgetVisible(group)
        first = group.body.nextInFocusChain()
        if first is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)
