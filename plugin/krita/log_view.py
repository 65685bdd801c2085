"""The end of the backend's log, followed while it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..client.server.launcher import log_name, log_path
from .compat import QtCore, QtGui, QtWidgets

_BYTES = 1 << 16
"""How much of the log's end is shown."""


class LogView(QtWidgets.QPlainTextEdit):
    """Reads the file anew every two seconds while it is on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inlay-backend-log")
        self.setReadOnly(True)
        self.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.NoWrap)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(2000)
        self._timer.timeout.connect(self.read)

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Called by Qt when it comes to be seen."""
        self.read()
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Called by Qt when it is seen no more."""
        self._timer.stop()
        super().hideEvent(event)

    def read(self) -> None:
        """Show the log as it is now."""
        path = Path(log_name())
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            text = "There is no log yet: the first action starts the backend."
        if text != self.toPlainText():
            self.setPlainText(text)
            self.moveCursor(QtGui.QTextCursor.MoveOperation.End)


def open_log() -> None:
    """Show the backend's log in the system's own viewer."""
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(log_path())))
