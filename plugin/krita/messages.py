"""What is said to the user: over the canvas, or in a box that holds nothing up."""

from __future__ import annotations

from typing import Any

from krita import Krita

from .compat import QtWidgets
from .log_view import open_log


def window() -> Any:
    """The window in front as Qt knows it, None where there is none."""
    active = Krita.instance().activeWindow()
    return active.qwindow() if active else None


def show_over_canvas(text: str) -> None:
    """Some words that go by themselves."""
    view = Krita.instance().activeWindow().activeView() if Krita.instance().activeWindow() else None
    if view is not None:
        view.showFloatingMessage(text, Krita.instance().icon("dialog-information"), 6000, 1)


def warn(title: str, message: str, remedy: str, log: str = "") -> None:
    """What happened and what to do, until the user closes it."""
    box = _box(title, message, QtWidgets.QMessageBox.Icon.Warning)
    box.setInformativeText(remedy)
    if log:
        box.setDetailedText(f"Log: {log}")
        box.addButton("Show Log File", QtWidgets.QMessageBox.ButtonRole.HelpRole).clicked.connect(open_log)
    box.open()


def _box(title: str, message: str, icon: Any) -> Any:
    box = QtWidgets.QMessageBox(window())
    box.setObjectName("inlay-message")
    box.setIcon(icon)
    box.setWindowTitle(f"Inlay: {title}")
    box.setText(message)
    box.setStandardButtons(QtWidgets.QMessageBox.StandardButton.Ok)
    box.finished.connect(lambda *_: box.deleteLater())
    return box
