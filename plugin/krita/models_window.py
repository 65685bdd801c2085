"""The window of models: which there are, fetched with a pause, imported, removed; all of it from `client/models.py`."""

from __future__ import annotations

from typing import Any

from ..client.models import BUTTONS, COLUMNS, INTRODUCTION, TITLE, Model, ModelsCommand, details
from ..client.server.launcher import Installation, LaunchError
from .compat import QtCore, QtWidgets

OFTEN = 150  # milliseconds between two looks at a command


class ModelsWindow(QtWidgets.QDialog):
    """Shows the models and does one thing at a time with them."""

    def __init__(self, installation: Installation | None, parent: Any = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(TITLE)
        self.resize(900, 560)
        self._installation = installation
        self.models: list[Model] = []
        self._command: ModelsCommand | None = None
        self._words: list[str] = []
        self._then: list[list[str]] = []
        introduction = QtWidgets.QLabel(INTRODUCTION)
        introduction.setWordWrap(True)
        self.table = QtWidgets.QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels([title for title, _ in COLUMNS])
        self.table.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.text = QtWidgets.QLabel()
        self.text.setWordWrap(True)
        self.text.setMinimumHeight(110)
        self.progress = QtWidgets.QProgressBar()
        self.status = QtWidgets.QLabel()
        self.status.setWordWrap(True)
        row = QtWidgets.QHBoxLayout()
        self.buttons = [self._button(row, each.label, self._press(each.words)) for each in BUTTONS]
        self.import_button = self._button(row, "Import File…", self._import)
        row.addStretch(1)
        self.pause = self._button(row, "Pause", self._pause)
        self.cancel = self._button(row, "Cancel", self._cancel)
        layout = QtWidgets.QVBoxLayout(self)
        for widget in (introduction, self.table, self.text):
            layout.addWidget(widget, 1 if widget is self.table else 0)
        layout.addLayout(row)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(OFTEN)
        self._timer.timeout.connect(self._look)
        self.finished.connect(lambda *_: self._stop())
        self._start(["list"])

    def chosen(self) -> Model | None:
        """The network of the current row."""
        row = self.table.indexOfTopLevelItem(self.table.currentItem()) if self.table.currentItem() else -1
        return self.models[row] if 0 <= row < len(self.models) else None

    def _button(self, row: Any, label: str, pressed: Any) -> Any:
        button = QtWidgets.QPushButton(label)
        button.setAutoDefault(False)
        button.clicked.connect(lambda *_: pressed())
        row.addWidget(button)
        return button

    def _press(self, words: Any) -> Any:
        def pressed() -> None:
            if (model := self.chosen()) is not None:
                self._start(words(model))

        return pressed

    def _start(self, words: list[str]) -> None:
        try:
            self._command = ModelsCommand(words, self._installation)
        except LaunchError as error:
            self.status.setText(str(error.failure))
            return
        self._words = words
        self.progress.setRange(0, 0)
        if words[0] != "list":
            self.status.setText("")
        self._timer.start()
        self._show_chosen()

    def _look(self) -> None:
        for step in self._command.steps() if self._command is not None else []:
            if not step.ended:
                self.progress.setRange(0, 1000)
                self.progress.setValue(round(1000 * step.fraction))
                continue
            self._ended(step.failure)

    def _ended(self, failure: str) -> None:
        command, self._command = self._command, None
        self._timer.stop()
        self.progress.setRange(0, 1000)
        self.progress.setValue(0)
        if failure:
            self.status.setText(failure)
        if self._words[0] == "list" and command is not None:
            self._show(command.models())
            return
        self._start(self._then.pop() if self._then else ["list"])

    def _show(self, models: list[Model]) -> None:
        name = getattr(self.chosen(), "name", "")
        self.models = models
        self.table.clear()
        for model in models:
            row = QtWidgets.QTreeWidgetItem([value(model) for _, value in COLUMNS])
            self.table.addTopLevelItem(row)
            if model.name == name:
                self.table.setCurrentItem(row)
        for column in range(len(COLUMNS)):
            self.table.resizeColumnToContents(column)
        self.table.setColumnWidth(4, 260)
        self._show_chosen()

    def _show_chosen(self) -> None:
        model, busy = self.chosen(), self._command is not None and self._words[0] != "list"
        self.text.setText(details(model) if model else "")
        for button, each in zip(self.buttons, BUTTONS, strict=True):
            button.setEnabled(model is not None and not busy and each.enabled(model))
        self.import_button.setEnabled(not busy)
        self.progress.setVisible(busy)
        for button in (self.pause, self.cancel):
            button.setEnabled(busy and self._words[0] == "fetch")

    def _import(self) -> None:
        path, _filter = QtWidgets.QFileDialog.getOpenFileName(self, "Choose the File of a Network")
        if path:
            self._start(["import", path])

    def _pause(self) -> None:
        self._stop()
        self.status.setText("Paused. Fetch goes on from here.")

    def _cancel(self) -> None:
        self._then = [["remove", *self._words[1:]]]
        self._stop()

    def _stop(self) -> None:
        if self._command is not None:
            self._command.stop()
