"""Which classes are shown, in which colours and how strongly, and what share of the picture each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from rtseg.labels import PALETTES, Rgb, named_palette
from rtseg.runtime.style import Style
from rtseg.viewer import texts
from rtseg.viewer.class_row import ClassRow
from rtseg.viewer.panels import text_font

OWN_PALETTE: Final = ""
"""The name of the model's own colours, beside those of PALETTES."""
CUSTOM_PALETTE: Final = "custom"


class ClassesPanel(QWidget):
    """Shows a `Style` for a model's classes and lets it be changed. GUI thread only.

    The first class is what is left when all others are named; it is never tinted and has no row. What was
    chosen stays with the names when the classes change with the model.
    """

    style_changed = pyqtSignal(object)
    """The new `Style`, when the user changed it or a method did that stands for a key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: tuple[str, ...] = ()
        self._own: dict[str, Rgb] = {}
        self._colors: dict[str, Rgb] = {}
        self._hidden: set[str] = set()
        self._palette_name = OWN_PALETTE
        self.rows: dict[str, ClassRow] = {}
        self._dialog: QColorDialog | None = None

        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setToolTip(texts.OPACITY_TIP)
        self.opacity.valueChanged.connect(self._changed)
        self.palettes = QComboBox(self)
        self.palettes.setToolTip(texts.PALETTE_TIP)
        self.palettes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for name in (OWN_PALETTE, *PALETTES):
            self.palettes.addItem(texts.PALETTE_NAMES.get(name, name), name)
        self.palettes.addItem(texts.PALETTE_CUSTOM, CUSTOM_PALETTE)
        self.palettes.activated.connect(self._palette_activated)
        self._percent = QLabel(self)
        self._percent.setFont(text_font(self.fontInfo().pixelSize()))
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widest = texts.OPACITY_VALUE.format(value=100)
        self._percent.setFixedWidth(self._percent.fontMetrics().horizontalAdvance(widest) + 2)
        self.reset_button = QPushButton(texts.RESET_CLASSES, self)
        self.reset_button.setToolTip(texts.RESET_CLASSES_TIP)
        self.reset_button.clicked.connect(self.reset)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(self._list)
        column.addLayout(self._controls())
        self.set_style(Style())

    def _controls(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, (text, widget) in enumerate(((texts.OPACITY, self.opacity), (texts.PALETTE, self.palettes))):
            label = QLabel(text, self)
            label.setBuddy(widget)
            widget.setAccessibleName(text)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self._percent, 0, 2, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.reset_button, 1, 2)
        return grid

    def set_classes(self, classes: Sequence[str], palette: Sequence[Rgb]) -> None:
        """The model's classes and its own colours. No signal is given."""
        if tuple(classes) == self._classes and tuple(palette) == tuple(self._own.values()):
            return
        self._close_dialog()
        self._classes = tuple(classes)
        self._own = dict(zip(classes, palette, strict=True))
        for row in self.rows.values():
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {name: self._row(name) for name in self._classes[1:]}
        before = _focused_before(self.opacity)
        for row in self.rows.values():
            self._list.addWidget(row)
            for widget in (row.swatch, row.check):
                self.setTabOrder(before, widget)
                before = widget
        if self._palette_name != CUSTOM_PALETTE:
            self._colors = self._palette(self._palette_name)
        self._refresh()

    def _row(self, name: str) -> ClassRow:
        row = ClassRow(name, self)
        row.visibility_toggled.connect(self._show_class)
        row.color_asked.connect(self._choose_color)
        return row

    def set_style(self, style: Style) -> None:
        """Show this style. No signal is given."""
        shown = None if style.classes is None else set(style.classes)
        self._hidden = set() if shown is None else {name for name in self._classes[1:] if name not in shown}
        self._colors = dict(style.colors)
        names = [name for name in (OWN_PALETTE, *PALETTES) if self._is_palette(name)]
        self._palette_name = next(iter(names), CUSTOM_PALETTE)
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(100 * style.opacity))
        self.opacity.blockSignals(False)
        self._refresh()

    @property
    def chosen_style(self) -> Style:
        """What is chosen, for the classes of the present model."""
        shown = tuple(name for name in self._classes[1:] if name not in self._hidden)
        whole = len(shown) == len(self._classes[1:])
        colors = tuple((name, color) for name, color in self._colors.items() if color != self._own.get(name))
        return Style(self.opacity.value() / 100, None if whole else shown, colors)

    @property
    def palette_name(self) -> str:
        """A name of PALETTES, OWN_PALETTE or CUSTOM_PALETTE."""
        return self._palette_name

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names of the classes that are not shown."""
        return tuple(sorted(self._hidden))

    def set_shares(self, shares: Mapping[str, float] | None) -> None:
        """What share of the picture each class has, 0 to 1; those that are missing have none yet."""
        for name, row in self.rows.items():
            row.share.set_share((shares or {}).get(name))

    def choose_palette(self, name: str) -> None:
        """Take the colours of this palette; CUSTOM_PALETTE keeps those of the moment to begin with."""
        if name != CUSTOM_PALETTE:
            self._close_dialog()
        self._set_colors(self._colors if name == CUSTOM_PALETTE else self._palette(name), name)

    def _palette_activated(self) -> None:
        self.choose_palette(self.palettes.currentData())

    def next_palette(self) -> None:
        """The one after this in the list."""
        names = [OWN_PALETTE, *PALETTES]
        place = names.index(self._palette_name) + 1 if self._palette_name in names else 0
        self.choose_palette(names[place % len(names)])

    def toggle_class(self, place: int) -> None:
        """Show or hide the class of this row, from 0; nothing where there is none."""
        if 0 <= place < len(self._classes) - 1:
            name = self._classes[place + 1]
            self._show_class(name, name in self._hidden)

    def show_all(self) -> None:
        """None is hidden any more."""
        self._hidden.clear()
        self._changed()

    def reset(self) -> None:
        """The usual style."""
        self._close_dialog()
        self.set_style(Style())
        self.style_changed.emit(self.chosen_style)

    def _show_class(self, name: str, visible: bool) -> None:
        if visible:
            self._hidden.discard(name)
        else:
            self._hidden.add(name)
        self._changed()

    def _changed(self) -> None:
        self._refresh()
        self.style_changed.emit(self.chosen_style)

    def _refresh(self) -> None:
        for name, row in self.rows.items():
            row.show_class(self._colors.get(name, self._own[name]), visible=name not in self._hidden)
        self.palettes.setCurrentIndex(self.palettes.findData(self._palette_name))
        self._percent.setText(texts.OPACITY_VALUE.format(value=self.opacity.value()))

    def _palette(self, name: str) -> dict[str, Rgb]:
        if name == OWN_PALETTE:
            return {}
        return dict(zip(self._classes, named_palette(name, self._classes), strict=True))

    def _is_palette(self, name: str) -> bool:
        own = self._own
        return own | self._colors == own | self._palette(name)

    def _choose_color(self, name: str) -> None:
        self._close_dialog()
        before = self._colors, self._palette_name
        dialog = self._dialog = QColorDialog(QColor(*self.rows[name].color), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(texts.COLOR_OF.format(name=name))
        dialog.setModal(False)
        dialog.currentColorChanged.connect(lambda color: self._set_color(name, color))
        dialog.rejected.connect(lambda: self._set_colors(*before))
        dialog.finished.connect(self._dialog_closed)
        dialog.show()

    def _dialog_closed(self) -> None:
        self._dialog = None

    def _close_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.accept()

    def _set_color(self, name: str, color: QColor) -> None:
        rgb = color.red(), color.green(), color.blue()
        self._set_colors({**self._colors, name: rgb}, CUSTOM_PALETTE)

    def _set_colors(self, colors: dict[str, Rgb], palette_name: str) -> None:
        self._colors, self._palette_name = colors, palette_name
        self._changed()


def _focused_before(widget: QWidget) -> QWidget:
    """What Shift and Tab would go to from here."""
    before = widget.previousInFocusChain()
    while before is not None and before.focusPolicy() == Qt.FocusPolicy.NoFocus:
        before = before.previousInFocusChain()
    return before or widget
