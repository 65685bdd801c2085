"""The job that runs: sends it, follows it, hands its result over. Krita's event loop never waits for it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable

from ..client.codec import Failed, Status
from ..client.image import Raster
from ..client.messages import Failure, Job, JobState, Progress, Result
from ..client.net.connection import Connection, Event, State
from .compat import QtCore
from .settings import Settings
from .vendored import load_pyzmq

STATUS_SECONDS = 2.0
LOG_LINES = 200

Outcome = Result | Failure | None
"""How a job ended; None: it was cancelled."""


class Runner(QtCore.QObject):
    """One connection to the backend and at most one job on it. `changed` says that something to show has changed."""

    changed = QtCore.pyqtSignal()

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._connection: Connection | None = None
        self._notifier: QtCore.QSocketNotifier | None = None
        self.status: Status | None = None
        self.job: Job | None = None
        self._ended: Callable[[Outcome], None] = _nobody  # what the one who sent the job wants done
        self.title = ""  # of the job, for the user
        self.fraction = -1.0
        self.message = ""
        self.preview: Raster | None = None  # what the job has so far
        self.failure: Failure | None = None  # of the last job
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(int(1e3 * STATUS_SECONDS))
        self._timer.timeout.connect(self._ask)

    @property
    def state(self) -> State | None:
        """How it stands with the backend; None before it was first needed."""
        return self._connection.state if self._connection else None

    def start(self, job: Job, title: str, ended: Callable[[Outcome], None]) -> None:
        """Send the job. There must be none running. `ended` is called once, when it is over."""
        assert self.job is None
        connection = self._connect()
        self._ended = ended
        self.job, self.title, self.fraction, self.message, self.failure = job, title, -1.0, "Sending", None
        self.note(f"{title}: started")
        connection.submit(job)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop the job, if there is one. It is over when this returns."""
        if self.job is None or self._connection is None:
            return
        self._connection.cancel(self.job.id)
        self._over("cancelled", None)
        self.changed.emit()

    def note(self, text: str) -> None:
        """Add a line to the log that the docker shows."""
        self.log.append(f"{time.strftime('%H:%M:%S')}  {text}")

    def reconnect(self) -> None:
        """Let go of the backend, so that the next job uses the settings as they are then."""
        self.cancel()
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
        if self._connection is not None:
            self._connection.close()
        self._connection = self._notifier = self.status = None
        self._timer.stop()
        self.changed.emit()

    def close(self) -> None:
        """Krita ends: stop the job, and the backend if that is what the settings say."""
        if self._connection is not None and not self._settings().keep_running:
            self._connection.shutdown()
        self.blockSignals(True)
        self._ended = _nobody  # windows may be gone
        self.reconnect()

    def _connect(self) -> Connection:
        if self._connection is None:
            settings = self._settings()
            if settings.transport != "auto":
                os.environ["INLAY_TRANSPORT"] = settings.transport
            load_pyzmq()
            self._connection = Connection("krita", installation=settings.installation())
            self._notifier = QtCore.QSocketNotifier(
                self._connection.fileno(), QtCore.QSocketNotifier.Type.Read, self
            )  # fmt: skip
            self._notifier.activated.connect(self._take)
            self._timer.start()
            self._ask()
        return self._connection

    def _ask(self) -> None:
        if self._connection is not None:
            if self._connection.state is not State.READY:
                self.status = None
            self._connection.status()
            self.changed.emit()

    def _take(self, *_: object) -> None:
        for event in self._connection.events() if self._connection else []:
            self._handle(event)
        self.changed.emit()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Status):
            self.status = event
        elif self.job is None or event.job != self.job.id:
            return  # of a job that was cancelled here
        elif isinstance(event, Result):
            self._over("done", event)
        elif isinstance(event, Failed):
            self.failure = event.failure
            self._over(f"failed. {event.failure}", event.failure)
        elif isinstance(event, Progress):
            self.fraction, self.message = event.fraction, event.message or event.state.value.capitalize()
            self.preview = event.preview or self.preview
            if event.state is JobState.CANCELLED:
                self._over("cancelled", None)

    def _over(self, how: str, outcome: Outcome) -> None:
        self.note(f"{self.title}: {how}")
        self.job, self.fraction, self.message, self.preview = None, -1.0, "", None
        ended, self._ended = self._ended, _nobody
        ended(outcome)


def _nobody(_: Outcome) -> None:
    """For a job whose end matters to nobody."""
