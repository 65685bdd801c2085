"""Dialogs made from the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..client.actions import Action, Kind, Parameter, Source, Value
from ..client.choices import DynamicChoice
from .choice_field import ChoiceField
from .compat import QtWidgets

_LARGEST = 2**31 - 1


class ActionDialog(QtWidgets.QDialog):
    """Asks for an action's parameters and for the layers that it needs beside the active one."""

    def __init__(
        self,
        action: Action,
        values: dict[str, Value],
        layers: list[tuple[str, str]],
        there: dict[str, bool],
        parent: Any = None,
    ) -> None:
        """`values` are what the fields start with; `layers` the unique ids and names to pick from; `there` says which
        inputs the image has.

        Where a choice depends on the image, OK waits for `dynamic_choices.show_outcome`.
        """
        super().__init__(parent)
        self.action = action
        self.setWindowTitle(action.label)
        form = QtWidgets.QFormLayout()
        self._there = there
        self._pickers: dict[str, Any] = {}
        for wanted in action.inputs:
            if wanted.source is Source.OTHER and layers:
                picker = choice([*([] if wanted.required else [("", "None")]), *layers])
                picker.setObjectName(wanted.name)
                self._pickers[wanted.name] = picker
                form.addRow(wanted.label + ":", picker)
        self._fields = {parameter.name: Field(parameter) for parameter in action.parameters}
        for field in self._fields.values():
            form.addRow("" if field.parameter.kind is Kind.SWITCH else field.parameter.label + ":", field.widget)
            field.connect(self._show_effect)
        self._form = form
        self.set_values(values)
        accept = arrange(
            self, action.help, form, lambda: self.set_values({p.name: p.default for p in action.parameters})
        )
        widgets = [field.widget for field in self._fields.values()]
        self.dynamic_choices: ChoiceField | None = next((w for w in widgets if isinstance(w, ChoiceField)), None)
        if self.dynamic_choices is not None:
            accept.setEnabled(False)
            self.dynamic_choices.ready.connect(lambda: accept.setEnabled(True))
            self.dynamic_choices.chosen.connect(self.accept)

    def _show_effect(self) -> None:
        """Gray out the settings that do nothing with the others as they are."""
        idle = self.action.without_effect({**self._there, **self.values()})
        for name, field in self._fields.items():
            for widget in (field.widget, self._form.labelForField(field.widget)):
                if widget is not None:
                    widget.setEnabled(name not in idle)

    def values(self) -> dict[str, Value]:
        """What was entered, in the parameters' types."""
        return {name: field.value() for name, field in self._fields.items()}

    def set_values(self, values: dict[str, Value]) -> None:
        """Show these values."""
        for name, value in values.items():
            self._fields[name].set_value(value)
        self._show_effect()

    def choices(self) -> list[DynamicChoice]:
        """What was found in the image to choose from."""
        return self.dynamic_choices.choices if self.dynamic_choices is not None else []

    def others(self) -> dict[str, str]:
        """The unique id of the layer picked for each input that takes one; empty for none."""
        return {name: picker.currentData() or "" for name, picker in self._pickers.items()}


class Field:
    """One parameter's widget."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        listed = parameter.choice_provider
        makers: dict[Kind, Callable[[], Any]] = {
            Kind.INTEGER: self._spin_box,
            Kind.NUMBER: self._spin_box,
            Kind.SWITCH: lambda: QtWidgets.QCheckBox(parameter.label),
            Kind.CHOICE: lambda: ChoiceField(parameter) if listed else choice(list(parameter.choices)),
            Kind.TEXT: lambda: ChoiceField(parameter) if listed else QtWidgets.QLineEdit(),
            Kind.FILE: FileField,
            Kind.FOLDER: lambda: FileField(folder=True),
        }
        self.widget = makers[parameter.kind]()
        self.widget.setObjectName(parameter.name)
        self.widget.setToolTip(parameter.help)

    def _spin_box(self) -> Any:
        parameter, whole = self.parameter, self.parameter.kind is Kind.INTEGER
        low = -_LARGEST if parameter.minimum is None else parameter.minimum
        high = _LARGEST if parameter.maximum is None else parameter.maximum
        box = QtWidgets.QSpinBox() if whole else QtWidgets.QDoubleSpinBox()
        if whole:
            low, high = int(low), int(high)
        else:
            box.setSingleStep(0.1 if high - low <= 10 else 1.0)
        box.setRange(low, high)
        box.setSuffix(parameter.unit)
        return box

    def connect(self, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever the user or the program changes the value."""
        kind, widget = self.parameter.kind, self.widget
        if kind in (Kind.INTEGER, Kind.NUMBER):
            signal = widget.valueChanged
        elif kind is Kind.SWITCH:
            signal = widget.toggled
        elif isinstance(widget, ChoiceField):
            return  # what is in an image takes away no other setting's effect
        else:
            signal = widget.currentIndexChanged if kind is Kind.CHOICE else widget.textChanged
        signal.connect(lambda *_: changed())

    def value(self) -> Value:
        """What the widget holds, in the parameter's type."""
        kind, widget = self.parameter.kind, self.widget
        if kind in (Kind.INTEGER, Kind.NUMBER) or isinstance(widget, ChoiceField):
            found: Value = widget.value()
        elif kind is Kind.SWITCH:
            found = widget.isChecked()
        else:
            found = widget.currentData() if kind is Kind.CHOICE else widget.text()
        return self.parameter.check(found)

    def set_value(self, value: Value) -> None:
        """Show a value that fits the parameter."""
        kind, widget = self.parameter.kind, self.widget
        if kind in (Kind.INTEGER, Kind.NUMBER):
            widget.setValue(value)
        elif kind is Kind.SWITCH:
            widget.setChecked(value)
        elif isinstance(widget, ChoiceField):
            widget.set_value(str(value))
        elif kind is Kind.CHOICE:
            widget.setCurrentIndex(widget.findData(value))
        else:
            widget.setText(value)


class FileField(QtWidgets.QWidget):
    """A path to type or to look for."""

    def __init__(self, folder: bool = False) -> None:
        super().__init__()
        self._folder = folder
        self._line = QtWidgets.QLineEdit()
        self.textChanged = self._line.textChanged
        button = QtWidgets.QPushButton("Browse…")
        button.clicked.connect(self._browse)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._line)
        row.addWidget(button)

    def text(self) -> str:
        """The path, as it was typed or chosen."""
        found: str = self._line.text()
        return found

    def setText(self, text: str) -> None:  # noqa: N802 (as QLineEdit has it)
        """Show a path."""
        self._line.setText(text)

    def _browse(self) -> None:
        if self._folder:
            path = QtWidgets.QFileDialog.getExistingDirectory(self, "Choose a Folder", self.text())
        else:
            path, _filter = QtWidgets.QFileDialog.getOpenFileName(self, "Choose a File", self.text())
        if path:
            self.setText(path)


def choice(entries: list[tuple[str, str]]) -> Any:
    """A box to choose from values by their labels."""
    box = QtWidgets.QComboBox()
    for value, label in entries:
        box.addItem(label, value)
    return box


def arrange(dialog: Any, text: str, form: Any, reset: Callable[[], None]) -> Any:
    """Text above, fields in the middle, buttons below; the button OK."""
    label = QtWidgets.QLabel(text)
    label.setWordWrap(True)
    label.setMinimumWidth(360)
    standard = QtWidgets.QDialogButtonBox.StandardButton
    buttons = QtWidgets.QDialogButtonBox(standard.Ok | standard.Cancel | standard.RestoreDefaults)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    buttons.button(standard.RestoreDefaults).clicked.connect(lambda: reset())
    layout = QtWidgets.QVBoxLayout(dialog)
    layout.addWidget(label)
    layout.addLayout(form)
    layout.addWidget(buttons)
    return buttons.button(standard.Ok)
