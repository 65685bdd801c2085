"""The end of the backend's log, followed while it is seen."""

from __future__ import annotations

from typing import Any

from ..client.server.launcher import log_end, log_path
from .compat import QtCore, QtGui, QtWidgets


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
        text = log_end()
        if text != self.toPlainText():
            self.setPlainText(text)
            self.moveCursor(QtGui.QTextCursor.MoveOperation.End)


def open_log() -> None:
    """Show the backend's log in the system's own viewer."""
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(log_path())))
