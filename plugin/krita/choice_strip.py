"""A row of thumbnails of which one is chosen: the variants of a result, what was found in the image, styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .compat import Qt, QtCore, QtWidgets
from .thumbnails import icon

SIDE = 40
"""Of a thumbnail, in pixels."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thumbnail."""

    value: str
    label: str
    image: Any  # a QImage no larger than SIDE, or None


class ChoiceStrip(QtWidgets.QListWidget):
    """As high when it is empty as when it is full. `chosen` says the value that the user has clicked on."""

    chosen = QtCore.pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QtWidgets.QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setGridSize(QtCore.QSize(SIDE + 8, SIDE + 8))
        self.setIconSize(QtCore.QSize(SIDE, SIDE))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.style().pixelMetric(QtWidgets.QStyle.PixelMetric.PM_ScrollBarExtent)
        self.setFixedHeight(SIDE + bar + 12)
        self._values: list[str] = []
        self.currentRowChanged.connect(self._choose)

    def show_choices(self, choices: list[Choice], current: str) -> None:
        """Show these; nothing is said by `chosen`."""
        self.blockSignals(True)
        self.clear()
        self._values = [choice.value for choice in choices]
        for choice in choices:
            item = QtWidgets.QListWidgetItem(icon(choice.image, SIDE), "")
            item.setToolTip(choice.label)
            self.addItem(item)
        self.setCurrentRow(self._values.index(current) if current in self._values else -1)
        self.setEnabled(bool(choices))
        self.blockSignals(False)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._values):
            self.chosen.emit(self._values[row])
