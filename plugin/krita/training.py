"""Custom styles in training: how far they are, for the docker, and word when one has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..client import training
from ..client.messages import Failure, Progress
from . import messages
from .compat import QtCore, QtWidgets
from .job_runner import Outcome, Runner


class TrainingWatch(QtCore.QObject):
    """Asks the backend, beside the jobs, how far the trainings are. `changed`: there is something new to show."""

    changed = QtCore.pyqtSignal()

    def __init__(self, runner: Runner, report: Callable[[str], None], parent: Any) -> None:
        """`report` says something to the user."""
        super().__init__(parent)
        self._runner, self._report = runner, report
        self._reported: dict[str, str] = {}  # by the style's name: what the user knows of its training
        self.message = ""  # how far the first of them is, or how the last one ended
        self.fraction = -1.0

    def follow(self, name: str, reported: str) -> None:
        """Watch the training of a style until it ends. `reported` is what the user was shown of it just now."""
        asked, self._reported[name] = name in self._reported, reported
        if not asked:
            self._ask(name)

    def dismiss(self) -> None:
        """Say no longer how the last one ended."""
        if not self._reported:
            self.message = ""

    def _ask(self, name: str) -> None:
        """Only once the question before was answered: the backend may have a long job to do first."""
        self._runner.ask(
            training.question(name),
            lambda progress: self._show(name, progress),
            lambda outcome: self._answered(name, outcome),
        )

    def _show(self, name: str, progress: Progress) -> None:
        if progress.fraction >= 0 and progress.message and name == next(iter(self._reported), ""):
            self.fraction, self.message = min(progress.fraction, 1.0), progress.message
            self.changed.emit()

    def _answered(self, name: str, outcome: Outcome) -> None:
        note = str(outcome) if isinstance(outcome, Failure) else " ".join(outcome.notes) if outcome else ""
        if not note:  # it goes on
            QtCore.QTimer.singleShot(int(1e3 * training.PAUSE), lambda: self._ask(name))
            return
        reported = self._reported.pop(name)
        self.fraction, self.message = -1.0, training.ended(note)
        self.changed.emit()
        if note != reported:
            self._report(self.message)
            if (window := messages.window()) is not None:
                QtWidgets.QApplication.alert(window)
