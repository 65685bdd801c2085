"""The docker: how it stands with the backend, the job's progress and its Cancel button, what happened lately."""

from __future__ import annotations

from typing import Any

from krita import DockWidget

from ..client.image import Raster
from ..client.net.connection import State
from ..client.server.launcher import log_path
from .compat import Qt, QtCore, QtGui, QtWidgets
from .job_runner import Runner
from .thumbnails import thumbnail

_PREVIEW = (240, 180)
"""Largest width and height of what a job has so far."""

_STATES = {
    None: "Not started; the first action starts it",
    State.STARTING: "Starting…",
    State.READY: "Ready",
    State.UNREACHABLE: "Not reachable",
    State.CLOSED: "Closed",
}


class Docker(DockWidget):
    """Shows a Runner. Every Krita window has one; all show the same job."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.setWindowTitle("Inlay")
        self._runner = runner
        self._state = QtWidgets.QLabel()
        self._device = QtWidgets.QLabel()
        self._message = QtWidgets.QLabel()
        self._problem = QtWidgets.QLabel()
        for label in (self._state, self._device, self._message, self._problem):
            label.setWordWrap(True)
        self._problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._preview = QtWidgets.QLabel()
        self._preview.setObjectName("inlay-preview")
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._bar = QtWidgets.QProgressBar()
        self._cancel = QtWidgets.QPushButton("Cancel")
        self._cancel.setObjectName("inlay-cancel")
        self._cancel.clicked.connect(runner.cancel)
        self._log = QtWidgets.QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.WidgetWidth)
        show_log = QtWidgets.QPushButton("Show Log File")
        show_log.clicked.connect(open_log)
        self.setWidget(self._arranged(show_log))
        self._shown: tuple[str, ...] = ()
        self._previewed: Raster | None = None
        runner.changed.connect(self.refresh)
        self.refresh()

    def _arranged(self, show_log: Any) -> Any:
        content = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(content)
        form = QtWidgets.QFormLayout()
        form.addRow("Backend:", self._state)
        form.addRow("Device:", self._device)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self._cancel)
        column.addLayout(form)
        column.addWidget(self._message)
        column.addLayout(row)
        column.addWidget(self._preview)
        column.addWidget(self._problem)
        column.addWidget(self._log, 1)
        column.addWidget(show_log)
        return content

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802 (Krita's name)
        """Called by Krita; the docker shows the same whatever the canvas is."""

    def refresh(self) -> None:
        """Show the runner as it is now."""
        runner = self._runner
        status, running = runner.status, runner.job is not None
        self._state.setText(_STATES[runner.state])
        self._device.setText(f"{status.device or 'not known yet'}, {status.worker}" if status else "—")
        self._message.setText(f"{runner.title}: {runner.message}" if running else "No job is running.")
        known = running and runner.fraction >= 0
        self._bar.setRange(0, 0 if running and not known else 1000)
        self._bar.setValue(int(1000 * runner.fraction) if known else 0)
        self._bar.setTextVisible(known)
        self._cancel.setEnabled(running)
        if runner.preview is not self._previewed:
            self._previewed = runner.preview
            small = thumbnail(runner.preview, *_PREVIEW) if runner.preview is not None else None
            self._preview.setPixmap(QtGui.QPixmap() if small is None else QtGui.QPixmap.fromImage(small))
        self._preview.setVisible(runner.preview is not None)
        self._problem.setText(str(runner.failure) if runner.failure else "")
        self._problem.setVisible(runner.failure is not None)
        if self._shown != (lines := tuple(runner.log)):
            self._shown = lines
            self._log.setPlainText("\n".join(lines))
            self._log.moveCursor(QtGui.QTextCursor.MoveOperation.End)


def open_log() -> None:
    """Show the backend's log in the system's own viewer."""
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(log_path())))
