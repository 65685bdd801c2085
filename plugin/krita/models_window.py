"""The window of models: which there are, fetched with a pause, imported, removed; all of it from `client/models.py`."""

from __future__ import annotations

from typing import Any

from ..client.models import BUTTONS, COLUMNS, INTRODUCTION, TITLE, Model, details
from ..client.models_presenter import ModelsPresenter
from ..client.server.launcher import Installation
from .compat import QtCore, QtWidgets

OFTEN = 150  # milliseconds between two looks at a command


class ModelsWindow(QtWidgets.QDialog):
    """Shows the models and does one thing at a time with them."""

    def __init__(self, installation: Installation | None, parent: Any = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(TITLE)
        self.resize(900, 560)
        self.models: list[Model] = []
        self.presenter = ModelsPresenter(self, installation)
        introduction = QtWidgets.QLabel(INTRODUCTION)
        introduction.setWordWrap(True)
        self.table = QtWidgets.QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels([title for title, _ in COLUMNS])
        self.table.currentItemChanged.connect(lambda *_: self.show_chosen())
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
        self.pause = self._button(row, "Pause", self.presenter.pause)
        self.cancel = self._button(row, "Cancel", self.presenter.cancel)
        layout = QtWidgets.QVBoxLayout(self)
        for widget in (introduction, self.table, self.text):
            layout.addWidget(widget, 1 if widget is self.table else 0)
        layout.addLayout(row)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        timer = QtCore.QTimer(self)
        timer.setInterval(OFTEN)
        timer.timeout.connect(self.presenter.look)
        self.finished.connect(lambda *_: self.presenter.stop())
        timer.start()
        self.presenter.start(["list"])

    def chosen(self) -> Model | None:
        """The network of the current row."""
        row = self.table.indexOfTopLevelItem(self.table.currentItem()) if self.table.currentItem() else -1
        return self.models[row] if 0 <= row < len(self.models) else None

    def show_models(self, models: list[Model]) -> None:
        """Show the table anew; the same network is chosen as before."""
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

    def show_chosen(self) -> None:
        """Show the details of the chosen network, and which buttons can be pressed."""
        model, busy = self.chosen(), self.presenter.busy
        self.text.setText(details(model) if model else "")
        for button, each in zip(self.buttons, BUTTONS, strict=True):
            button.setEnabled(model is not None and not busy and each.enabled(model))
        self.import_button.setEnabled(not busy)
        self.progress.setVisible(busy)
        for button in (self.pause, self.cancel):
            button.setEnabled(self.presenter.fetching)

    def show_status(self, text: str) -> None:
        """Show a line about what has happened."""
        self.status.setText(text)

    def show_progress(self, fraction: float) -> None:
        """Show how far a command is, 0 to 1; below 0: not known."""
        self.progress.setRange(0, 0 if fraction < 0 else 1000)
        self.progress.setValue(round(1000 * max(0.0, fraction)))

    def _button(self, row: Any, label: str, pressed: Any) -> Any:
        button = QtWidgets.QPushButton(label)
        button.setAutoDefault(False)
        button.clicked.connect(lambda *_: pressed())
        row.addWidget(button)
        return button

    def _press(self, words: Any) -> Any:
        def pressed() -> None:
            if (model := self.chosen()) is not None:
                self.presenter.start(words(model))

        return pressed

    def _import(self) -> None:
        path, _filter = QtWidgets.QFileDialog.getOpenFileName(self, "Choose the File of a Network")
        if path:
            self.presenter.start(["import", path])
