"""Which network runs, on what and with which policy; a change is only asked for here, with signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QStandardItemModel
from PyQt6.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rtseg.backends import Precision
from rtseg.runtime.choice import NetworkChoice
from rtseg.viewer import texts


class NetworkPanel(QWidget):
    """Four lists and a quiet line below them. GUI thread only. Setting what is current gives no signal."""

    network_chosen = pyqtSignal(object)
    """A `NetworkChoice`, by the user."""
    policy_chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = _combo(texts.MODEL, texts.MODEL_TIP, self)
        self.backend = _combo(texts.BACKEND, texts.BACKEND_TIP, self)
        self.precision = _combo(texts.PRECISION, texts.PRECISION_TIP, self)
        self.policy = _combo(texts.POLICY, texts.POLICY_TIP, self)
        self.busy = QLabel(self)
        self.busy.setForegroundRole(self.busy.palette().ColorRole.PlaceholderText)
        self.busy.setTextFormat(Qt.TextFormat.PlainText)
        self.busy.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.busy.setFixedHeight(self.busy.fontMetrics().height())  # kept free, so that nothing moves

        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(10)
        for combo in (self.model, self.backend, self.precision, self.policy):
            form.addRow(combo.accessibleName(), combo)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.busy)
        for combo in (self.model, self.backend, self.precision):
            combo.activated.connect(self._network_activated)
        self.policy.activated.connect(self._policy_activated)
        self._choice: NetworkChoice | None = None
        self._policy = ""

    def set_choices(
        self,
        *,
        models: Sequence[str],
        backends: Sequence[str],
        precisions: Sequence[str],
        policies: Sequence[str],
        unavailable: Mapping[str, str] | None = None,
    ) -> None:
        """What the lists offer. unavailable says of some of the backends why they cannot be chosen here."""
        for combo, names in (
            (self.model, models),
            (self.backend, backends),
            (self.precision, precisions),
            (self.policy, policies),
        ):
            combo.clear()
            combo.addItems(list(names))
        for name, why in (unavailable or {}).items():
            items, place = self.backend.model(), self.backend.findText(name)
            item = items.item(place) if isinstance(items, QStandardItemModel) else None
            if item is not None:
                item.setEnabled(False)
                item.setToolTip(why)
        if self._choice is not None:
            self.set_current(self._choice, self._policy)

    def set_current(self, choice: NetworkChoice, policy: str) -> None:
        """What runs now; added to the lists where they lack it, as a model that is a path."""
        self._choice, self._policy = choice, policy
        _select(self.model, choice.model)
        _select(self.backend, choice.backend)
        _select(self.precision, choice.precision)
        _select(self.policy, policy)

    def set_busy(self, text: str) -> None:
        """What is being made ready, in a few words; empty when nothing is."""
        self.busy.setText(text)
        self.busy.setToolTip(text)

    def _network_activated(self) -> None:
        precision = cast(Precision, self.precision.currentText())  # one of those that were offered
        choice = NetworkChoice(self.model.currentText(), self.backend.currentText(), precision)
        if choice != self._choice:
            self._choice = choice
            self.network_chosen.emit(choice)

    def _policy_activated(self) -> None:
        policy = self.policy.currentText()
        if policy != self._policy:
            self._policy = policy
            self.policy_chosen.emit(policy)


def _combo(name: str, tip: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    # As wide as there is room: a long name must not widen the panel.
    combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return combo


def _select(combo: QComboBox, text: str) -> None:
    if combo.findText(text) < 0:
        combo.addItem(text)
    combo.setCurrentText(text)
