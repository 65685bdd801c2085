"""The docker: buttons for the common jobs, how it stands with the backend, the job and its queue, what happened."""

from __future__ import annotations

from typing import Any, Protocol

from krita import DockWidget

from ..client.actions import BY_NAME, Action
from ..client.image import Raster
from ..client.net.connection import State
from .compat import Qt, QtGui, QtWidgets
from .job_runner import Runner
from .last_result import LastResult
from .log_view import LogView, open_log
from .result_panel import ResultPanel
from .thumbnails import thumbnail
from .training import TrainingWatch

BUTTONS = ("select.subject", "select.object", "cutout.background", "fill.selection", "fill.object", "paste.harmonize")
"""The common jobs."""

_PREVIEW = (240, 180)
"""Largest width and height of what a job has so far."""

_STATES = {
    None: "not started; the first action starts it",
    State.STARTING: "starting…",
    State.UNREACHABLE: "not reachable; the next action tries again",
    State.CLOSED: "closed",
}


class Commands(Protocol):
    """What the docker has done, and shows: the extension."""

    last: LastResult
    training: TrainingWatch

    def run_at_once(self, action: Action) -> None: ...

    def ask(self, action: Action) -> None: ...

    def ask_settings(self) -> None: ...


class Docker(DockWidget):
    """Shows a Runner. Every Krita window has one; all show the same job.

    Nothing in it changes its size or place when something happens: what comes and goes shares one space, the lowest.
    """

    def __init__(self, runner: Runner, extension: Commands) -> None:
        super().__init__()
        self.setWindowTitle("Inlay")
        self._runner, self._training = runner, extension.training
        self._state = _line("inlay-state")
        self._message = _line("inlay-message-line")
        self._bar = QtWidgets.QProgressBar()
        self._bar.setObjectName("inlay-progress")
        self._cancel = QtWidgets.QPushButton("Cancel")
        self._cancel.setObjectName("inlay-cancel")
        self._cancel.clicked.connect(runner.cancel)
        self._queue = QtWidgets.QListWidget()
        self._queue.setObjectName("inlay-queue")
        self._queue.setFixedHeight(2 * self.fontMetrics().height() + 8)
        self._queue.setToolTip("Jobs that wait for the one that runs. A double click cancels one.")
        self._queue.itemDoubleClicked.connect(lambda item: self._withdraw(self._queue.row(item)))
        self._log = QtWidgets.QPlainTextEdit()
        self._problem = QtWidgets.QPlainTextEdit()
        for page in (self._log, self._problem):
            page.setReadOnly(True)
        self._preview = QtWidgets.QLabel()
        self._preview.setObjectName("inlay-preview")
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._backend_log = LogView()
        self._pages = QtWidgets.QStackedWidget()
        for page in (self._log, self._preview, self._problem, self._backend_log):
            page.setMinimumHeight(40)  # else the docker is too high for a small screen
            self._pages.addWidget(page)
        self._show_log = QtWidgets.QPushButton("Backend's Log")
        self._show_log.setObjectName("inlay-show-log")
        self._show_log.setCheckable(True)
        self._show_log.toggled.connect(self.refresh)
        self.setWidget(self._arranged(extension))
        self._shown: tuple[str, ...] = ()
        self._waiting: tuple[str, ...] = ()
        self._previewed: Raster | None = None
        runner.changed.connect(self.refresh)
        extension.training.changed.connect(self.refresh)
        self.refresh()

    def _arranged(self, extension: Commands) -> Any:
        content = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(content)
        grid = QtWidgets.QGridLayout()
        for number, name in enumerate(BUTTONS):
            grid.addWidget(_button(name, extension), number // 2, number % 2)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self._cancel)
        below = QtWidgets.QHBoxLayout()
        below.addWidget(self._show_log)
        for label, chosen in (("Open Log File", open_log), ("Settings…", extension.ask_settings)):
            button = QtWidgets.QPushButton(label)
            button.clicked.connect(lambda *_, chosen=chosen: chosen())
            below.addWidget(button)
        column.addLayout(grid)
        column.addWidget(ResultPanel(extension.last))
        column.addWidget(self._state)
        column.addWidget(self._message)
        column.addLayout(row)
        column.addWidget(self._queue)
        column.addWidget(self._pages, 1)
        column.addLayout(below)
        return content

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802 (Krita's name)
        """Called by Krita; the docker shows the same whatever the canvas is."""

    def refresh(self, *_: object) -> None:
        """Show the runner as it is now."""
        runner, running = self._runner, self._runner.is_busy
        _say(self._state, f"Backend: {_state(runner)}")
        message, fraction, left = _at_work(runner, self._training)
        _say(self._message, message)
        self._bar.setRange(0, 0 if running and fraction < 0 else 1000)
        self._bar.setValue(int(1000 * max(0.0, fraction)))
        self._bar.setTextVisible(fraction >= 0)
        self._bar.setFormat("%p %" if left is None else f"%p %, about {_duration(left)} left")
        self._cancel.setEnabled(running)
        if self._waiting != (waiting := tuple(f"Waiting: {task.title}" for task in runner.queue)):
            self._waiting = waiting
            self._queue.clear()
            self._queue.addItems(waiting)
        if runner.preview is not self._previewed:
            self._previewed = runner.preview
            small = thumbnail(runner.preview, *_PREVIEW) if runner.preview is not None else None
            self._preview.setPixmap(QtGui.QPixmap() if small is None else QtGui.QPixmap.fromImage(small))
        if self._shown != (lines := tuple(runner.log)):
            self._shown = lines
            self._log.setPlainText("\n".join(lines))
            self._log.moveCursor(QtGui.QTextCursor.MoveOperation.End)
        if (problem := str(runner.failure or "")) != self._problem.toPlainText():
            self._problem.setPlainText(problem)
        self._pages.setCurrentWidget(self._page())

    def _page(self) -> Any:
        """What the lowest space shows: the backend's log where asked for, else what matters most."""
        if self._show_log.isChecked():
            return self._backend_log
        if self._runner.preview is not None:
            return self._preview
        return self._problem if self._runner.failure is not None else self._log

    def _withdraw(self, row: int) -> None:
        if row < len(self._runner.queue):
            self._runner.withdraw(self._runner.queue[row].job)


def _state(runner: Runner) -> str:
    """How it stands with the backend, in words that agree with whether a job runs."""
    if runner.state is not State.READY:
        return _STATES[runner.state]
    device = f" on {runner.status.device}" if runner.status and runner.status.device else ""
    return ("working" if runner.is_busy else "ready") + device


def _at_work(runner: Runner, training: TrainingWatch) -> tuple[str, float, float | None]:
    """What goes on: a message, how far it is (below 0 where that is not known), and the seconds left."""
    if runner.is_busy:
        return f"{runner.title}: {runner.message}", runner.fraction, runner.time_left()
    return training.message or "No job is running.", training.fraction, None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _line(name: str) -> Any:
    """A label of one line that never asks for more room; what does not fit is in its tool tip."""
    label = QtWidgets.QLabel()
    label.setObjectName(name)
    label.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
    return label


def _say(label: Any, text: str) -> None:
    label.setText(text)
    label.setToolTip(text)


def _button(name: str, extension: Commands) -> Any:
    """Runs an action at once; the arrow beside it opens the dialog."""
    action = BY_NAME[name]
    button = QtWidgets.QToolButton()
    button.setObjectName(action.procedure)
    button.setText(action.label)
    button.setToolTip(action.help)
    button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
    button.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.MenuButtonPopup)
    menu = QtWidgets.QMenu(button)
    menu.addAction("with Options…").triggered.connect(lambda *_: extension.ask(action))
    button.setMenu(menu)
    button.clicked.connect(lambda *_: extension.run_at_once(action))
    return button
