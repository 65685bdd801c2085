"""The one thing an editor or the command line talks to: submit jobs, read events, cancel.

A Connection returns from every call at once. One background thread owns the sockets, starts the backend when there is
none, renews the lease, reconnects, and turns what arrives into events. A job's last event is a Result, a Failed, or a
Progress whose state is CANCELLED; it has exactly one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from .endpoint import Endpoint
from .jobs import Failure, Job, Progress, Result
from .launcher import Installation
from .protocol import Failed, Status

Event = Progress | Result | Failed | Status


class State(Enum):
    """How it stands with the backend."""

    STARTING = "starting"  # connecting, or starting the backend
    READY = "ready"
    UNREACHABLE = "unreachable"  # `Connection.failure` says why; the next submit tries again
    CLOSED = "closed"


class JobFailed(Exception):
    """Raised by `Connection.run`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class JobCancelled(Exception):
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

    @property
    def state(self) -> State:
        """How it stands with the backend."""
        raise NotImplementedError

    @property
    def failure(self) -> Failure | None:
        """Why the backend is unreachable; None in any other state."""
        raise NotImplementedError

    def submit(self, job: Job) -> None:
        """Have `job` run. Encoding and sending happen in the background; what becomes of it arrives as events."""
        raise NotImplementedError

    def cancel(self, job_id: str) -> None:
        """Stop a job. Its last event, a Progress with state CANCELLED, is there when this returns."""
        raise NotImplementedError

    def events(self, timeout: float = 0.0) -> list[Event]:
        """All events that wait; after at most `timeout` seconds an empty list."""
        raise NotImplementedError

    def fileno(self) -> int:
        """A socket that is readable while events wait: for QSocketNotifier, GLib.io_add_watch or select."""
        raise NotImplementedError

    def run(
        self,
        job: Job,
        on_event: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        """Submit `job` and wait for its result. Its events go to `on_event`, on this thread, and not to `events`.

        `cancelled` is asked twenty times a second. Raises JobFailed, or JobCancelled.
        """
        raise NotImplementedError

    def status(self) -> None:
        """Ask for the backend's state; a Status arrives as an event."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """End the backend. The next submit starts it again."""
        raise NotImplementedError

    def close(self) -> None:
        """Cancel this client's unfinished jobs and disconnect. The backend goes on running."""
        raise NotImplementedError
