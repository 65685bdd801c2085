"""The one thing an editor or the command line talks to: submit jobs, read events, cancel.

A Connection returns from every call at once. One background thread owns the sockets, starts the backend when there is
none, renews the lease, reconnects, and turns what arrives into events. A job's last event is a Result, a Failed, or a
Progress whose state is CANCELLED; it has exactly one.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from ..codec import Failed
from ..messages import ErrorCode, Failure, Job, JobState, Progress, Result
from ..server.endpoint import Endpoint
from ..server.launcher import Installation
from .session import Event, Exchange, State

__all__ = ["Connection", "Event", "JobCancelled", "JobFailed", "State"]


class JobFailed(Exception):  # noqa: N818 -- it says what happened to the job, as JobCancelled does
    """Raised by `Connection.run`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class JobCancelled(Exception):  # noqa: N818 -- no error: somebody wanted it
    """Raised by `Connection.run` when the job was cancelled."""


class Connection:
    """A client of the backend. Thread-safe. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        program: str,
        *,
        start: bool = True,
        endpoint: Endpoint | None = None,
        installation: Installation | None = None,
    ) -> None:
        """Begin to connect, in the background.

        `program` names the client in the backend's log ("krita", "gimp", "inlay"). With `start`, a backend that does
        not run is started. `endpoint` is that of a backend to connect to instead of this user's own (INLAY_CONNECTION
        names the connection file of one, too); such a backend is never started. `installation` is the backend to
        start; None is the one that the installer recorded.
        """
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._inboxes: dict[str, deque[Event]] = {}  # of jobs that `run` waits for
        self._signal_in, self._signal_out = socket.socketpair()
        self._signal_in.setblocking(False)
        self._signal_out.setblocking(False)
        self._exchange = Exchange(program, self._post, start, endpoint, installation)
        self._exchange.start()

    @property
    def state(self) -> State:
        """How it stands with the backend."""
        return self._exchange.state

    @property
    def failure(self) -> Failure | None:
        """Why the backend is unreachable; None in any other state."""
        return self._exchange.failure

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions that the backend can do; empty before it was READY."""
        return self._exchange.actions

    def submit(self, job: Job) -> None:
        """Have `job` run. Encoding and sending happen in the background; what becomes of it arrives as events.

        The memory behind the job's images must not change until the job has ended: a large one that the backend has
        had over this connection is at first named by its digest alone, and sent if the backend has it no more.
        """
        if self.state is State.CLOSED:
            failure = Failure(ErrorCode.UNREACHABLE, "The connection to the backend was closed.", "Open another one.")
            self._post(Failed(job.id, failure))
        else:
            ready = self.state is State.READY
            text = "Sending the image" if ready else "Starting the backend"  # a large one takes a while to be packed
            self._post(Progress(job.id, JobState.QUEUED, -1.0, text))
            self._exchange.submit(job)

    def cancel(self, job_id: str) -> None:
        """Stop a job. Its last event, a Progress with state CANCELLED, is there when this returns."""
        self._exchange.cancel(job_id)

    def events(self, timeout: float = 0.0) -> list[Event]:
        """All events that wait; after at most `timeout` seconds an empty list."""
        with self._changed:
            if timeout > 0:
                self._changed.wait_for(lambda: self._events, timeout)
            taken = list(self._events)
            self._events.clear()
            with contextlib.suppress(OSError):  # nothing to read, or closed
                self._signal_out.recv(64)
            return taken

    def fileno(self) -> int:
        """A socket that is readable while events wait: for QSocketNotifier, GLib.io_add_watch or select."""
        return self._signal_out.fileno()

    def run(
        self,
        job: Job,
        on_event: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        """Submit `job` and wait for its result. Its events go to `on_event`, on this thread, and not to `events`.

        `cancelled` is asked twenty times a second. Raises JobFailed, or JobCancelled.
        """
        inbox: deque[Event] = deque()
        with self._changed:
            self._inboxes[job.id] = inbox
        try:
            self.submit(job)
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: inbox, 0.05)
                while inbox:
                    event = inbox.popleft()
                    if isinstance(event, Result):
                        return event
                    if isinstance(event, Failed):
                        raise JobFailed(event.failure)
                    if isinstance(event, Progress):
                        if event.state is JobState.CANCELLED:
                            raise JobCancelled(job.id)
                        if on_event:
                            on_event(event)
                if cancelled and cancelled():
                    self.cancel(job.id)
        finally:
            self.cancel(job.id)  # does nothing to a job that has ended
            with self._changed:
                del self._inboxes[job.id]

    def status(self) -> None:
        """Ask for the backend's state; a Status arrives as an event, if the backend is there."""
        self._exchange.ask()

    def shutdown(self) -> None:
        """End the backend. The next submit starts it again."""
        self._exchange.shutdown()

    def close(self, wait: float = 3.0) -> None:
        """Cancel this client's unfinished jobs and disconnect. The backend goes on running.

        What is to be told to the backend is on its way when this returns, unless that takes more than `wait` seconds;
        then it goes on in the background.
        """
        self._exchange.close(wait)
        with self._changed:
            self._signal_in.close()
            self._signal_out.close()

    def _post(self, event: Event) -> None:
        job = event.job if isinstance(event, Progress | Result | Failed) else ""
        with self._changed:
            queue = self._inboxes.get(job, self._events)
            queue.append(event)
            if queue is self._events:
                with contextlib.suppress(OSError):  # full, so it is readable; or closed
                    self._signal_in.send(b"\0")
            self._changed.notify_all()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
