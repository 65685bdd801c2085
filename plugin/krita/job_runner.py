"""The job that runs and those that wait: sends them, follows them, hands results over. Krita never waits for one."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..client.codec import Failed, Status
from ..client.image import Raster
from ..client.messages import Failure, Job, JobState, Progress, Result
from ..client.net.connection import Connection, Event, State
from .compat import QtCore
from .settings import Settings
from .vendored import load_pyzmq

STATUS_SECONDS = 2.0
WATCH_SECONDS = 0.25
LOG_LINES = 200
QUIT_SECONDS = 0.25
"""How long Krita's end may wait for the backend to be told."""

Outcome = Result | Failure | None
"""How a job ended; None: it was cancelled."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job with what its sender wants of it."""

    job: Job
    title: str  # for the user
    ended: Callable[[Outcome], None]  # called once, when it is over
    wanted: Callable[[], bool]  # whether its result is of use still; else it is cancelled


@dataclass(frozen=True, slots=True)
class Question:
    """A job that only asks something, beside those that the user sees."""

    on_progress: Callable[[Progress], None]
    on_answer: Callable[[Outcome], None]


class Runner(QtCore.QObject):
    """One connection to the backend, at most one job on it, and the queue. `changed`: something to show has changed."""

    changed = QtCore.pyqtSignal()

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__()
        self._settings = settings
        self._connection: Connection | None = None
        self._notifier: QtCore.QSocketNotifier | None = None
        self._transport = os.environ.get("INLAY_TRANSPORT")  # what is used where the settings name none
        self.status: Status | None = None
        self._task: Task | None = None
        self.queue: deque[Task] = deque()
        self._questions: dict[str, Question] = {}  # by the job's id
        self.begun = 0.0  # when the job was sent, by the monotonic clock
        self.fraction = -1.0
        self.message = ""
        self.preview: Raster | None = None  # what the job has so far
        self.failure: Failure | None = None  # of the last job
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(int(1e3 * STATUS_SECONDS))
        self._timer.timeout.connect(self._ask)
        self._watch = QtCore.QTimer(self)
        self._watch.setInterval(int(1e3 * WATCH_SECONDS))
        self._watch.timeout.connect(self._drop_unwanted)

    @property
    def state(self) -> State | None:
        """How it stands with the backend; None before it was first needed."""
        return self._connection.state if self._connection else None

    @property
    def job(self) -> Job | None:
        """The job that runs."""
        return self._task.job if self._task else None

    @property
    def title(self) -> str:
        """Of the job that runs, for the user."""
        return self._task.title if self._task else ""

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return self._task is not None

    def start(
        self, job: Job, title: str, ended: Callable[[Outcome], None], wanted: Callable[[], bool] | None = None
    ) -> None:
        """Send the job, or queue it while another one runs. `ended` is called once, when it is over; `wanted` says
        whether anybody still waits for it."""
        task = Task(job, title, ended, wanted or _always)
        if self._task is None:
            self._send(task)
        else:
            self.queue.append(task)
            self.note(f"{title}: waits for {self.title}")
        self._watch.start()
        self.changed.emit()

    def ask(self, job: Job, on_progress: Callable[[Progress], None], on_answer: Callable[[Outcome], None]) -> None:
        """Send a job that only asks something: nothing of it is shown, and it waits for no other one here."""
        connection = self._connect()
        self._questions[job.id] = Question(on_progress, on_answer)
        connection.submit(job)

    def cancel(self) -> None:
        """Stop the job that runs, if there is one. It is over when this returns, and the next one begins."""
        if self._task is None or self._connection is None:
            return
        self._connection.cancel(self._task.job.id)
        self._over("cancelled", None)
        self.changed.emit()

    def withdraw(self, job: Job) -> None:
        """Stop a job, whether it runs or waits; nothing where it is over."""
        if self.job is job:
            self.cancel()
            return
        task = next((task for task in self.queue if task.job is job), None)
        if task is not None:
            self.queue.remove(task)
            self.note(f"{task.title}: cancelled")
            task.ended(None)
            self.changed.emit()

    def cancel_all(self) -> None:
        """Stop the job that runs and those that wait."""
        while self.queue:
            self.withdraw(self.queue[-1].job)
        self.cancel()

    def time_left(self) -> float | None:
        """Seconds until the job that runs is done, as far as its progress tells; None where it does not."""
        passed = time.monotonic() - self.begun
        if self._task is None or not 0.05 <= self.fraction < 1 or passed < 2:
            return None
        return passed * (1 - self.fraction) / self.fraction

    def note(self, text: str) -> None:
        """Add a line to the log that the docker shows."""
        self.log.append(f"{time.strftime('%H:%M:%S')}  {text}")

    def restart_backend(self) -> None:
        """End the backend that is used, if there is one, so that the next job starts it with other options."""
        self.cancel_all()
        if self._connection is not None:
            self._connection.shutdown()

    def reconnect(self) -> None:
        """Let go of the backend, so that the next job uses the settings as they are then."""
        self.cancel_all()
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
        if self._connection is not None:
            self._connection.close(wait=0)
        self._connection = self._notifier = self.status = None
        self._timer.stop()
        questions, self._questions = self._questions, {}
        for question in questions.values():
            question.on_answer(None)
        self.changed.emit()

    def close(self) -> None:
        """Krita ends: stop the jobs, and the backend if that is what the settings say."""
        connection, self._connection = self._connection, None
        if self._notifier is not None:
            self._notifier.setEnabled(False)
        self._timer.stop()
        self._watch.stop()
        self.blockSignals(True)
        self._task = None  # what would be done with a result is of no use: windows may be gone
        self.queue.clear()
        self._questions.clear()
        if connection is not None:
            if not self._settings().keep_running:
                connection.shutdown()
            connection.close(wait=QUIT_SECONDS)

    def _send(self, task: Task) -> None:
        connection = self._connect()
        self._task, self.begun = task, time.monotonic()
        self.fraction, self.message = -1.0, "Sending"
        self.failure = None
        self.note(f"{task.title}: started")
        connection.submit(task.job)

    def _connect(self) -> Connection:
        if self._connection is None:
            settings = self._settings()
            wanted = settings.transport if settings.transport != "auto" else self._transport
            if wanted:
                os.environ["INLAY_TRANSPORT"] = wanted
            else:
                os.environ.pop("INLAY_TRANSPORT", None)
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
            if self._connection.state is State.READY:
                self._connection.status()
            else:
                self.status = None
            self.changed.emit()

    def _take(self, *_: object) -> None:
        for event in self._connection.events() if self._connection else []:
            self._handle(event)
        self.changed.emit()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Status):
            self.status = event
        elif event.job in self._questions:
            self._inform(event)
        elif self._task is None or event.job != self._task.job.id:
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

    def _inform(self, event: Result | Failed | Progress) -> None:
        """Something has come for a question."""
        question = self._questions[event.job]
        if isinstance(event, Progress) and event.state is not JobState.CANCELLED:
            question.on_progress(event)
            return
        del self._questions[event.job]
        outcome = event if isinstance(event, Result) else event.failure if isinstance(event, Failed) else None
        question.on_answer(outcome)

    def _over(self, how: str, outcome: Outcome) -> None:
        assert self._task is not None
        task, self._task = self._task, None
        self.note(f"{task.title}: {how}")
        self.fraction, self.message, self.preview = -1.0, "", None
        task.ended(outcome)
        if self._task is None and self.queue:
            self._send(self.queue.popleft())

    def _drop_unwanted(self) -> None:
        """Cancel the jobs whose image has been closed, say."""
        for task in [*self.queue, *([self._task] if self._task else [])]:
            if not task.wanted():
                self.withdraw(task.job)
        if self._task is None:
            self._watch.stop()


def _always() -> bool:
    return True
