"""A choice that depends on the image, shown as a list of what is in it: thumbnails, names, areas."""

from __future__ import annotations

from typing import Any

from ..client.actions import Kind, Parameter
from ..client.choices import DynamicChoice, dynamic_choices
from ..client.messages import Result
from .compat import Qt, QtCore, QtWidgets
from .job_runner import Outcome
from .thumbnails import icon, thumbnail

_ICON = 72  # side of the square that a thumbnail is put in, in pixels
_NONE_YET = "There is no custom style yet. Style > Train Custom Style makes one from a painting."
_SHOWN = 4  # rows that are seen without scrolling


class ChoiceField(QtWidgets.QStackedWidget):
    """Says that the image is being looked at, until `show_outcome`; then holds the list, or else a plain choice."""

    ready = QtCore.pyqtSignal()  # there is something to choose from
    chosen = QtCore.pyqtSignal()  # with a double click

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self._parameter = parameter
        self._value = str(parameter.default)
        self.choices: list[DynamicChoice] = []  # what was found
        self._looking = QtWidgets.QLabel("Looking at the image…")
        self._looking.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._list = QtWidgets.QListWidget()
        self._list.setObjectName("dynamic-choices")
        self._list.setIconSize(QtCore.QSize(_ICON, _ICON))
        self._list.setMinimumHeight(_SHOWN * (_ICON + 8))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.itemDoubleClicked.connect(lambda *_: self.chosen.emit())
        self._note = QtWidgets.QLabel()
        self._note.setWordWrap(True)
        self._choice = QtWidgets.QComboBox()
        for value, label in parameter.choices:
            self._choice.addItem(label, value)
        plain = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(plain)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._choice)
        column.addWidget(self._note)
        column.addStretch(1)
        for page in (self._looking, self._list, plain):
            self.addWidget(page)

    def value(self) -> str:
        """The choice."""
        item = self._list.currentItem()
        if self.currentWidget() is self._list and item is not None:
            return str(item.data(Qt.ItemDataRole.UserRole))
        return self._value if self.currentWidget() is self._looking else str(self._choice.currentData() or "")

    def set_value(self, value: str) -> None:
        """Show a choice. In the list, one that is not in the image becomes the default, which stands first."""
        self._value = value
        self._choice.setCurrentIndex(self._choice.findData(value))
        values = [self._list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self._list.count())]
        self._list.setCurrentRow(values.index(value) if value in values else 0)

    def show_outcome(self, outcome: Outcome) -> None:
        """The action that lists the choices has ended; too late where the dialog is closed already."""
        try:
            self._list.count()
        except RuntimeError:  # Qt's half of this is gone
            return
        listed = dynamic_choices(self._parameter, outcome) if isinstance(outcome, Result) else []
        free = self._parameter.kind is Kind.TEXT  # whatever is listed, and nothing else
        if len(listed) > (0 if free else 1):
            self.choices = listed
            for choice in listed:
                self._list.addItem(_item(choice))
            self.setCurrentWidget(self._list)
            self._list.setFocus()
        else:
            self._note.setText(_NONE_YET if free and isinstance(outcome, Result) else _why_not(outcome))
            self._choice.setVisible(not free)
            self.setCurrentIndex(2)
            self._choice.setFocus()
            if free:
                return
        self.set_value(self._value)
        self.ready.emit()


def _why_not(outcome: Outcome) -> str:
    if isinstance(outcome, Result):
        return "None of these was seen in the image. Choose one to look for it all the same."
    return f"The image could not be looked at. {outcome.message}" if outcome else "The looking was stopped."


def _item(choice: DynamicChoice) -> Any:
    item = QtWidgets.QListWidgetItem(f"{choice.label}\n{choice.note}" if choice.note else choice.label)
    item.setData(Qt.ItemDataRole.UserRole, choice.value)
    if choice.preview is not None:
        item.setIcon(icon(thumbnail(choice.preview, _ICON, _ICON), _ICON))
    return item
