"""Dialogs made from the table of actions, and the one for the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..client.actions import Action, Kind, Parameter, Source, Value
from .choice_field import ChoiceField
from .compat import QtWidgets
from .settings import Settings

_LARGEST = 2**31 - 1


class ActionDialog(QtWidgets.QDialog):
    """Asks for an action's parameters and for the layers that it needs beside the active one."""

    def __init__(
        self, action: Action, values: dict[str, Value], layers: list[tuple[str, str]], parent: Any = None
    ) -> None:
        """`values` are what the fields start with; `layers` the unique ids and names to pick from.

        Where a choice depends on the image, OK waits for `dynamic_choices.show_outcome`.
        """
        super().__init__(parent)
        self.action = action
        self.setWindowTitle(action.label)
        form = QtWidgets.QFormLayout()
        self._pickers: dict[str, Any] = {}
        for wanted in action.inputs:
            if wanted.source is Source.OTHER:
                picker = _choice([*([] if wanted.required else [("", "None")]), *layers])
                self._pickers[wanted.name] = picker
                form.addRow(wanted.label + ":", picker)
        self._fields = {parameter.name: Field(parameter) for parameter in action.parameters}
        for field in self._fields.values():
            form.addRow("" if field.parameter.kind is Kind.SWITCH else field.parameter.label + ":", field.widget)
        self.set_values(values)
        accept = _arrange(
            self, action.help, form, lambda: self.set_values({p.name: p.default for p in action.parameters})
        )
        widgets = [field.widget for field in self._fields.values()]
        self.dynamic_choices: ChoiceField | None = next((w for w in widgets if isinstance(w, ChoiceField)), None)
        if self.dynamic_choices is not None:
            accept.setEnabled(False)
            self.dynamic_choices.ready.connect(lambda: accept.setEnabled(True))
            self.dynamic_choices.chosen.connect(self.accept)

    def values(self) -> dict[str, Value]:
        """What was entered, in the parameters' types."""
        return {name: field.value() for name, field in self._fields.items()}

    def set_values(self, values: dict[str, Value]) -> None:
        """Show these values."""
        for name, value in values.items():
            self._fields[name].set_value(value)

    def others(self) -> dict[str, str]:
        """The unique id of the layer picked for each input that takes one; empty for none."""
        return {name: picker.currentData() or "" for name, picker in self._pickers.items()}


class Field:
    """One parameter's widget."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.widget: Any = {
            Kind.INTEGER: self._spin_box,
            Kind.NUMBER: self._spin_box,
            Kind.SWITCH: lambda: QtWidgets.QCheckBox(parameter.label),
            Kind.CHOICE: lambda: (
                ChoiceField(parameter) if parameter.choice_provider else _choice(list(parameter.choices))
            ),
            Kind.TEXT: QtWidgets.QLineEdit,
            Kind.FILE: FileField,
        }[parameter.kind]()
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


class SettingsDialog(QtWidgets.QDialog):
    """Where the backend is and how it is reached."""

    def __init__(self, settings: Settings, parent: Any = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Inlay Settings")
        self._python, self._source = FileField(), FileField(folder=True)
        self._transport = _choice([("auto", "Automatic"), ("pyzmq", "ZeroMQ library"), ("pure", "Built in")])
        self._keep = QtWidgets.QCheckBox("Leave the backend running when Krita closes")
        self._keep.setToolTip("It ends by itself when it has been idle for a while, and starts again when needed.")
        form = QtWidgets.QFormLayout()
        form.addRow("Python of the backend:", self._python)
        form.addRow("Folder of the backend:", self._source)
        form.addRow("Transport:", self._transport)
        form.addRow("", self._keep)
        self._show(settings)
        _arrange(
            self, "Leave both paths empty to use the backend that the installer set up.", form,
            lambda: self._show(Settings()),
        )  # fmt: skip

    def settings(self) -> Settings:
        """What was entered."""
        return Settings(
            self._python.text().strip(), self._source.text().strip(), self._transport.currentData(),
            self._keep.isChecked(),
        )  # fmt: skip

    def _show(self, settings: Settings) -> None:
        self._python.setText(settings.python)
        self._source.setText(settings.folder)
        self._transport.setCurrentIndex(max(0, self._transport.findData(settings.transport)))
        self._keep.setChecked(settings.keep_running)


def _choice(entries: list[tuple[str, str]]) -> Any:
    box = QtWidgets.QComboBox()
    for value, label in entries:
        box.addItem(label, value)
    return box


def _arrange(dialog: Any, text: str, form: Any, reset: Callable[[], None]) -> Any:
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
