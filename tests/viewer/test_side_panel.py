"""Classes, network and the column that they are in: what is chosen is told, what is set is not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QStandardItemModel
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QColorDialog, QWidget

from rtseg.labels import CLASSES, PALETTE, named_palette
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.style import Style
from rtseg.viewer import texts
from rtseg.viewer.class_row import ShareBar
from rtseg.viewer.classes_panel import CUSTOM_PALETTE, OWN_PALETTE, ClassesPanel
from rtseg.viewer.meter import Reading
from rtseg.viewer.network_panel import NetworkPanel
from rtseg.viewer.side_panel import SidePanel

RED = (255, 0, 0)


@pytest.fixture
def shown(qtbot) -> Callable[[type], Any]:
    def show(kind: type[QWidget]) -> QWidget:
        widget = kind()
        qtbot.addWidget(widget)
        widget.show()
        return widget

    return show


@pytest.fixture
def panel(shown) -> ClassesPanel:
    made = shown(ClassesPanel)
    made.set_classes(CLASSES, PALETTE)
    return made


@pytest.fixture
def styles(panel: ClassesPanel) -> list[Style]:
    """Those that were told."""
    told: list[Style] = []
    panel.style_changed.connect(told.append)
    return told


def test_each_class_but_what_is_left_has_a_row_with_its_colour(panel: ClassesPanel) -> None:
    assert list(panel.rows) == list(CLASSES[1:])
    for name, color in zip(CLASSES[1:], PALETTE[1:], strict=True):
        icon = panel.rows[name].swatch.icon().pixmap(18, 18).toImage()
        assert icon.pixelColor(icon.width() // 2, icon.height() // 2) == QColor(*color)
        assert name in panel.rows[name].swatch.accessibleName()


def test_a_style_that_is_set_is_shown_and_not_told_again(panel: ClassesPanel, styles: list[Style]) -> None:
    style = Style(0.7, ("road", "pedestrian"), (("road", RED),))
    panel.set_style(style)
    assert panel.chosen_style == style
    assert panel.opacity.value() == 70
    assert [row.check.isChecked() for row in panel.rows.values()] == [True, False, True]
    assert panel.rows["road"].color == RED
    assert panel.palette_name == panel.palettes.currentData() == CUSTOM_PALETTE
    assert styles == []


def test_a_long_name_is_shortened_and_a_short_one_is_not(panel: ClassesPanel) -> None:
    panel.setFixedWidth(300)
    panel.set_classes(("background", "R&D", "a class with a name as long as this one"), [RED] * 3)
    QApplication.processEvents()
    short, long = (row.check for row in panel.rows.values())
    assert short.text() == "R&&D"
    assert long.text().startswith("a class")
    assert long.text().endswith("…")
    assert long.accessibleName() == "a class with a name as long as this one"


def test_a_check_box_hides_a_class(panel: ClassesPanel, styles: list[Style]) -> None:
    QTest.keyClick(panel.rows["vehicle"].check, Qt.Key.Key_Space)
    assert styles[-1].classes == ("road", "pedestrian")
    panel.toggle_class(0)
    assert styles[-1].classes == ("pedestrian",)
    panel.toggle_class(7)  # a key for a class that this model has not
    panel.show_all()
    assert styles[-1] == Style()


def test_opacity_by_keyboard_moves_nothing_else(panel: ClassesPanel, styles: list[Style]) -> None:
    before = panel.sizeHint()
    for _ in range(6):
        QTest.keyClick(panel.opacity, Qt.Key.Key_PageUp)
    assert styles[0].opacity == 0.6
    assert styles[-1].opacity == 1.0
    assert panel.sizeHint() == before


def test_palettes_give_their_colours_and_the_models_own_gives_none(
    panel: ClassesPanel, styles: list[Style]
) -> None:
    panel.choose_palette("colour-blind safe")
    expected = named_palette("colour-blind safe", CLASSES)
    assert styles[-1].palette(CLASSES, PALETTE) == (None, *expected[1:])
    assert panel.rows["road"].color == expected[1]
    panel.choose_palette(OWN_PALETTE)
    assert styles[-1] == Style()
    seen = set()
    for _ in range(10):
        panel.next_palette()
        seen.add(panel.palette_name)
        assert panel.palettes.currentData() == panel.palette_name
    assert {OWN_PALETTE, "bright", "cityscapes", "colour-blind safe"} <= seen


def test_a_palette_goes_on_with_another_models_classes(panel: ClassesPanel) -> None:
    panel.choose_palette("bright")
    panel.toggle_class(1)
    other = ("background", "vehicle", "tree", "sky")
    panel.set_classes(other, ((0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3)))
    assert panel.palette_name == "bright"
    assert [row.color for row in panel.rows.values()] == list(named_palette("bright", other)[1:])
    assert panel.chosen_style.classes == ("tree", "sky"), "a hidden class stays hidden by its name"


def test_a_colour_is_chosen_while_everything_else_goes_on(panel: ClassesPanel, styles: list[Style]) -> None:
    panel.rows["road"].swatch.click()
    dialog = panel.findChild(QColorDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.setCurrentColor(QColor(*RED))
    assert styles[-1].colors == (("road", RED),)
    dialog.reject()
    assert styles[-1] == Style(), "as it was before"
    assert panel.palette_name == OWN_PALETTE

    panel.rows["road"].swatch.click()
    QApplication.processEvents()
    dialog = next(each for each in panel.findChildren(QColorDialog) if each.isVisible())
    dialog.setCurrentColor(QColor(*RED))
    panel.reset()
    assert not dialog.isVisible()
    assert styles[-1] == Style()


def test_shares_move_nothing(panel: ClassesPanel) -> None:
    bars = panel.findChildren(ShareBar)
    places = [bar.geometry() for bar in bars]
    assert [bar.text for bar in bars] == [texts.NO_VALUE] * 3
    panel.set_shares({"road": 1.0, "vehicle": 0.0567})
    QApplication.processEvents()
    assert [bar.text for bar in bars] == ["100.0 %", "5.7 %", texts.NO_VALUE]
    assert [bar.geometry() for bar in bars] == places
    assert "100.0 %" in bars[0].accessibleName()
    panel.set_shares(None)
    assert bars[0].text == texts.NO_VALUE


def fill(panel: NetworkPanel) -> None:
    panel.set_choices(
        models=("street-m", "street-s"),
        backends=("auto", "openvino", "tensorrt"),
        precisions=("auto", "f32"),
        policies=("auto", "latest"),
        unavailable={"tensorrt": "not installed"},
    )
    panel.set_current(NetworkChoice("street-m", "openvino", "f32"), "auto")


def test_the_network_is_told_when_the_user_chooses_another(shown) -> None:
    panel = shown(NetworkPanel)
    networks: list[NetworkChoice] = []
    policies: list[str] = []
    panel.network_chosen.connect(networks.append)
    panel.policy_chosen.connect(policies.append)
    fill(panel)
    fill(panel)
    panel.set_current(NetworkChoice("runs/mine", "auto", "auto"), "latest")
    assert panel.model.currentText() == "runs/mine"
    assert (networks, policies) == ([], [])
    panel.model.setFocus()
    QTest.keyClick(panel.model, Qt.Key.Key_Up)
    assert networks == [NetworkChoice("street-s", "auto", "auto")]
    QTest.keyClick(panel.policy, Qt.Key.Key_Up)
    assert policies == ["auto"]
    items = panel.backend.model()
    assert isinstance(items, QStandardItemModel)
    assert not items.item(2).isEnabled()


def test_being_busy_moves_nothing(shown) -> None:
    panel = shown(NetworkPanel)
    fill(panel)
    before = panel.sizeHint()
    panel.set_busy("Loading a model with a name that is longer than the panel is wide by a good deal …")
    assert panel.sizeHint() == before
    panel.set_busy("")
    assert panel.sizeHint() == before


def test_the_column_keeps_its_width(shown, qtbot) -> None:
    column = shown(SidePanel)
    fill(column.network)
    column.classes.set_classes(CLASSES, PALETTE)
    width = column.width()
    column.resize(width, 900)
    inside = column.widget()
    before = inside.width()
    assert inside.minimumSizeHint().width() <= before, "something is cut off"
    column.classes.set_classes(
        ("background", *(f"a class with a long name {n}" for n in range(30))), [RED] * 31
    )
    column.network.set_current(NetworkChoice("/a/folder/with/a/long/path/to/a/model"), "latest")
    column.plots.add(Reading(fps=12345.6, stages_ms={"inference": 98765.4}))
    QApplication.processEvents()
    assert (column.width(), inside.width()) == (width, before)
    assert inside.minimumSizeHint().width() <= before


def test_groups_fold_by_mouse_and_keyboard(shown) -> None:
    column = shown(SidePanel)
    told: list[tuple[str, ...]] = []
    column.folded_changed.connect(lambda: told.append(column.folded))
    header = column.groups["network"].header
    QTest.mouseClick(header, Qt.MouseButton.LeftButton)
    assert told == [("network",)]
    assert not column.network.isVisible()
    header.setFocus()
    QTest.keyClick(header, Qt.Key.Key_Space)
    assert column.network.isVisible()
    column.set_folded(("network", "plots", "what is gone"))
    assert column.folded == ("network", "plots")
    column.go_to("network")
    assert column.folded == ("plots",)
    assert column.focusWidget() is column.network.model


def test_tab_goes_through_all_of_it_from_top_to_bottom(shown) -> None:
    column = shown(SidePanel)
    column.classes.set_classes(CLASSES, PALETTE)
    column.resize(column.width(), 900)
    column.activateWindow()
    QApplication.processEvents()
    widget = column.groups["classes"].header
    tops = []
    for _ in range(40):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            tops.append(widget.mapTo(column.widget(), widget.rect().topLeft()).y())
        widget = widget.nextInFocusChain()
        if widget is column.groups["plots"].header:
            break
    assert len(tops) == 1 + 2 * 3 + 3 + 1 + 4
    assert all(later >= earlier - 20 for earlier, later in pairwise(tops))
