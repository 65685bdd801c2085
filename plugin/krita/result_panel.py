"""The part of the docker that changes the last result."""

from __future__ import annotations

from typing import Any

from ..client.actions import Kind
from .choice_strip import ChoiceStrip
from .compat import QtWidgets
from .last_result import LIVE, LastResult

_LABELS = {"grow": "Grow", "feather": "Feather", "edge": "Edge", "strength": "Strength"}


class ResultPanel(QtWidgets.QGroupBox):
    """Always the same fields at the same places; those that the last result has nothing for are gray."""

    def __init__(self, last: LastResult) -> None:
        super().__init__("Last result")
        self.setObjectName("inlay-result")
        self._last = last
        self._filling = False
        self._fields: dict[str, Any] = {}
        grid = QtWidgets.QGridLayout(self)
        for number, name in enumerate(LIVE):
            field = QtWidgets.QComboBox() if name == "edge" else QtWidgets.QDoubleSpinBox()
            field.setObjectName(f"inlay-live-{name}")
            self._fields[name] = field
            grid.addWidget(QtWidgets.QLabel(_LABELS[name] + ":"), number // 2, 2 * (number % 2))
            grid.addWidget(field, number // 2, 2 * (number % 2) + 1)
            signal = field.currentIndexChanged if name == "edge" else field.valueChanged
            signal.connect(lambda *_, name=name: self._change(name))
        self._strip = ChoiceStrip()
        self._strip.setObjectName("inlay-live-choices")
        self._strip.chosen.connect(last.choose)
        self._after = QtWidgets.QCheckBox("Show result")
        self._after.setObjectName("inlay-live-show")
        self._after.setToolTip("Off: the image as it was before.")
        self._after.toggled.connect(self._show)
        grid.addWidget(self._strip, 2, 0, 1, 3)
        grid.addWidget(self._after, 2, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        last.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the last result's settings."""
        self._filling = True
        title, found = self._last.title(), self._last.parameters()
        self.setTitle(f"Last result: {title}" if title else "Last result")
        for name, field in self._fields.items():
            field.setEnabled(bool(title) and name in found)
            if name not in found:
                continue
            parameter, value = found[name]
            if parameter.kind is Kind.CHOICE:
                field.clear()
                for choice, label in parameter.choices:
                    field.addItem(label, choice)
                field.setCurrentIndex(field.findData(value))
                continue
            field.setDecimals(0 if parameter.kind is Kind.INTEGER else 1)
            field.setRange(parameter.minimum, parameter.maximum)
            field.setSuffix(parameter.unit)
            field.setValue(value)
        self._strip.show_choices(*(self._last.choices() if title else ([], "")))
        self._after.setEnabled(bool(title) and self._last.has_layers())
        self._after.setChecked(True)
        self._filling = False

    def _change(self, name: str) -> None:
        found = self._last.parameters()
        if self._filling or name not in found:
            return
        field, kind = self._fields[name], found[name][0].kind
        if kind is Kind.CHOICE:
            self._last.change(name, field.currentData())
        else:
            self._last.change(name, int(field.value()) if kind is Kind.INTEGER else float(field.value()))

    def _show(self, after: bool) -> None:
        if not self._filling:
            self._last.show(after)
