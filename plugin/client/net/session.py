"""The I/O thread behind a Connection: it finds or starts the backend, carries jobs there and events back.

`_pending_jobs` holds every job that has not ended. Whoever takes a job out of it posts the job's last event, so there
is exactly one, whichever of result, cancel and loss comes first.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ..codec import Cancel, Failed, Fetch, Limits, Message, Release, Shutdown, Status, Submit
from ..image import Reference
from ..image_cache import ImageCache, by_reference, references, with_digests
from ..messages import ErrorCode, Failure, Job, JobState, Progress, Result, new_id
from ..server.endpoint import Endpoint
from ..server.launcher import Installation, log_name
from ..server.locate import Locator
from .link import Link, LinkBrokenError, LinkError

Event = Progress | Result | Failed | Status

LOCAL_GRACE, REMOTE_GRACE = 0.5, 5.0
"""Seconds that a backend on this or on another machine may be out of reach before its jobs are given up."""

LOSSES = 4
"""How often in a row a connection may break over the same jobs."""

FIRST_PAUSE = 0.05
"""Seconds before the first look for the backend of a broken connection; each loss in a row waits four times longer, so
that a moment's crowd at the backend's sockets does not use up all LOSSES."""

MISSING_SECONDS = 1.0
"""A job that the backend does not work on for so long, while no end of it has arrived, is asked after."""

LOOK_AGAIN = 2.0
"""Seconds between looks for a backend that somebody else has started."""


class State(Enum):
    """How it stands with the backend."""

    STARTING = "starting"  # connecting, or starting the backend
    READY = "ready"
    UNREACHABLE = "unreachable"  # `Connection.failure` says why; the next submit tries again
    CLOSED = "closed"


@dataclass(slots=True)
class _Pending:
    """A job that has not ended."""

    job: Job | None  # let go of once the backend has acknowledged it and has all of it
    sent: bool = False
    acknowledged: bool = False
    attempts: int = 0
    by_reference: bool = False  # it was sent with images by reference
    images: list[Reference] = field(default_factory=list)  # which the backend has had when there is a result


class Exchange:
    """What a Connection does in the background. The public methods may be called from any thread."""

    def __init__(
        self,
        program: str,
        post: Callable[[Event], None],
        start: bool,
        endpoint: Endpoint | None,
        installation: Installation | None,
    ) -> None:
        self.state = State.STARTING
        self.failure: Failure | None = None
        self.actions: tuple[str, ...] = ()
        self._client, self._program, self._post = new_id(), program, post
        self._locator = Locator(start, endpoint, installation, self._pause)
        self._limits = Limits()
        self._lock = threading.Lock()
        self._pending_jobs: dict[str, _Pending] = {}
        self._orders: deque[Cancel | Shutdown | None] = deque()  # None: ask for the state
        self._asked = False  # whether that is among the orders
        self._closing = False
        self._losses = 0
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._main, name="inlay-io", daemon=True)

    # Called by the Connection, on any thread.

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        with self._lock:
            self._pending_jobs.setdefault(job.id, _Pending(job))
        self._wake()

    def cancel(self, job_id: str) -> None:
        pending = self._end(job_id, Progress(job_id, JobState.CANCELLED))
        if pending and pending.sent:
            self._order(Cancel(self._client, job_id))

    def ask(self) -> None:
        if not self._asked:
            self._asked = True
            self._order(None)

    def shutdown(self) -> None:
        self._order(Shutdown(self._client))

    def close(self, wait: float) -> None:
        with self._lock:
            unfinished = list(self._pending_jobs)
        for job_id in unfinished:
            self.cancel(job_id)
        self._closing = True
        self._wake()
        self._thread.join(wait)
        self.state, self.failure = State.CLOSED, None

    def _order(self, order: Cancel | Shutdown | None) -> None:
        self._orders.append(order)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full, so it will wake; or closed
            self._wake_in.send(b"\0")

    def _end(self, job_id: str, event: Event) -> _Pending | None:
        with self._lock:
            pending = self._pending_jobs.pop(job_id, None)
        if pending:
            self._post(event)
        return pending

    # The I/O thread.

    def _main(self) -> None:
        try:
            wanted = True  # the first connection is made before anybody asks
            while not self._closing:
                if wanted or self._pending_jobs:
                    wanted = self._session()
                else:
                    self._pause(LOOK_AGAIN)
                    wanted = self._locator.another()
        finally:
            self._wake_in.close()
            self._wake_out.close()

    def _session(self) -> bool:
        """Connect, and serve until the connection is lost; whether to connect again at once."""
        try:
            self.state, self.failure = State.STARTING, None
            link = self._connect()
        except LinkBrokenError as loss:
            return self._recover(loss.failure)
        except LinkError as loss:
            self._give_up(loss.failure, everything=True)
            return False
        except Exception as error:  # whatever it is, the user must hear of it, and no job may wait for ever
            self._give_up(_internal(error), everything=True)
            return False
        linger = 0.0
        try:
            self._serve(link)
            linger = 0.5
            return False
        except LinkError as loss:
            return self._recover(loss.failure)
        except Exception as error:
            self._give_up(_internal(error), everything=True)
            return False
        finally:
            link.close(linger)

    def _connect(self) -> Link:
        link = Link(self._locator.find(), self._client, self._program, self._limits)
        try:
            while not link.ready and not self._closing:
                link.exchange(self._wake_out.fileno(), 0.5)
                self._drain()
        except BaseException:
            link.close()
            raise
        self.state, self.actions = State.READY, link.actions
        return link

    def _serve(self, link: Link) -> None:
        with self._lock:
            running = [job_id for job_id, pending in self._pending_jobs.items() if pending.sent]
        for job_id in running:
            link.work(Fetch(self._client, job_id))
        while True:
            self._dispatch(link)
            if self._closing:
                return
            for message in link.exchange(self._wake_out.fileno(), 60.0):
                self._handle(link, message)
            if link.unfinished is not None:
                self._compare(link, link.unfinished)
                link.unfinished = None
            self._drain()

    def _compare(self, link: Link, unfinished: frozenset[str]) -> None:
        """Ask after the jobs that this side waits for and the backend does not work on, once over each connection.

        For a moment their end may be on its way. Later the backend must have forgotten them: it had heard nothing from
        here for longer than a lease, because this program stood still.
        """
        now = time.monotonic()
        with self._lock:
            waiting = [job_id for job_id, pending in self._pending_jobs.items() if pending.sent]
        link.missing = {job_id: link.missing.get(job_id, now) for job_id in waiting if job_id not in unfinished}
        for job_id, since in link.missing.items():
            if now - since < MISSING_SECONDS:
                link.ask_again(MISSING_SECONDS)
            elif since:
                link.work(Fetch(self._client, job_id))
        link.missing = {job: since if now - since < MISSING_SECONDS else 0.0 for job, since in link.missing.items()}

    def _dispatch(self, link: Link) -> None:
        while self._orders:
            order = self._orders.popleft()
            if order is None:
                self._asked = False
                link.ask(show=True)
            else:
                link.control(order)
        with self._lock:
            waiting = [pending for pending in self._pending_jobs.values() if not pending.sent]
            for pending in waiting:
                pending.sent = True  # before it is: a cancel that comes while it is encoded must reach the backend
                pending.attempts += 1
        for pending in waiting:
            if (job := pending.job) and job.id in self._pending_jobs:
                self._submit(link, pending, job)

    def _submit(self, link: Link, pending: _Pending, job: Job) -> None:
        if size := _excess(job, self._limits):
            self._end(job.id, Failed(job.id, size))
            return
        try:
            pending.job = job = with_digests(job)
            pending.images = list(references(job).values())
            sent = by_reference(job, link.cached) if pending.attempts == 1 else job
            pending.by_reference = sent is not job
            link.work(Submit(self._client, sent))
        except (TypeError, ValueError) as error:
            failure = Failure(ErrorCode.BAD_PARAMETER, f"The action's settings cannot be sent: {error}.")
            self._end(job.id, Failed(job.id, failure))

    def _handle(self, link: Link, message: Message) -> None:
        if isinstance(message, Status):
            self._post(message)
        elif isinstance(message, Result):
            self._losses = 0
            if pending := self._end(message.job, message):
                for image in pending.images:
                    link.cached.keep(image.key, image)
            link.work(Release(self._client, message.job))
        elif isinstance(message, Failed) and not message.job:
            self._refused(message.failure)
        elif isinstance(message, Failed):
            self._losses = 0
            if not (message.failure.code is ErrorCode.RESEND and self._sent_again(link, message.job)):
                self._end(message.job, message)
            link.work(Release(self._client, message.job))
        elif isinstance(message, Progress):
            self._progress(link, message)

    def _sent_again(self, link: Link, job_id: str) -> bool:
        """The backend lacks an image that a job named: whether the job goes there again, whole."""
        link.cached = ImageCache()
        with self._lock:
            pending = self._pending_jobs.get(job_id)
            again = pending is not None and pending.job is not None and pending.attempts <= LOSSES
            if pending and again:
                pending.sent = pending.acknowledged = False
        return again

    def _progress(self, link: Link, event: Progress) -> None:
        if event.state is JobState.CANCELLED:
            self._end(event.job, event)
            return
        with self._lock:
            if pending := self._pending_jobs.get(event.job):
                pending.acknowledged = True
                if not pending.by_reference:
                    pending.job = None
                self._post(event)  # before anybody can end the job and post its last event
        if not pending and not event.state.ended:  # the cancel overtook the job on its way
            link.control(Cancel(self._client, event.job))

    def _refused(self, failure: Failure) -> None:
        """The backend could not read something; what it has not acknowledged will never be answered."""
        with self._lock:
            unanswered = [
                job_id for job_id, pending in self._pending_jobs.items() if pending.sent and not pending.acknowledged
            ]
        for job_id in unanswered:
            self._end(job_id, Failed(job_id, failure))
        if not unanswered:
            self._post(Failed("", failure))

    def _recover(self, failure: Failure) -> bool:
        """After a loss: go on with the same backend, or give up what it had; whether to connect again at once."""
        self.state = State.STARTING
        self._losses += 1
        if self._losses > LOSSES or failure.code is ErrorCode.VERSION:
            self._losses = 0
            self._give_up(failure, everything=True)
            return False
        if self._found_again():
            with self._lock:
                for pending in self._pending_jobs.values():
                    pending.sent = pending.acknowledged  # what was not acknowledged is sent again: it runs once
            return True
        failure = Failure(
            ErrorCode.UNREACHABLE,
            "The backend has ended.",
            "Your document is as it was. Try again: it starts by itself. If it ends again, the log says why.",
            log_name(),
        )
        self._give_up(failure, everything=False)
        return False

    def _found_again(self) -> bool:
        """Whether the backend of the connection that broke is still there."""
        endpoint = self._locator.latest
        if endpoint is None:
            return False
        # A process that is being killed still accepts connections for a moment.
        self._pause(FIRST_PAUSE * 4 ** (self._losses - 1))
        deadline = time.monotonic() + (LOCAL_GRACE if endpoint.local else REMOTE_GRACE)
        while not (found := self._locator.same(endpoint)) and time.monotonic() < deadline and not self._closing:
            self._pause(0.1)
        return found

    def _give_up(self, failure: Failure, everything: bool) -> None:
        """Fail all jobs, or those that the backend had. A job that it never acknowledged may go to another one, once:
        it came when the backend was ending, or it ended the backend."""
        self.state, self.failure = State.UNREACHABLE, failure
        self._orders.clear()
        self._asked = False
        with self._lock:
            for pending in self._pending_jobs.values():
                pending.sent = pending.sent and (pending.acknowledged or pending.attempts > 1)
            lost = [job_id for job_id, pending in self._pending_jobs.items() if everything or pending.sent]
        for job_id in lost:
            self._losses = 0
            self._end(job_id, Failed(job_id, failure))

    def _pause(self, seconds: float) -> bool:
        """Wait for so long, or until somebody wants something; whether to go on."""
        self._wake_out.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            self._wake_out.recv(4096)
        self._wake_out.setblocking(False)
        return not self._closing

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass


def _excess(job: Job, limits: Limits) -> Failure | None:
    """Why a job is too large to send, if it is."""
    sizes = [raster.nbytes for raster in job.inputs.values()]
    if max(sizes, default=0) <= limits.raster_bytes and sum(sizes) < limits.message_bytes - limits.header_bytes:
        return None
    return Failure(
        ErrorCode.TOO_LARGE,
        f"The image is too large: {sum(sizes) >> 20} MiB, where {limits.raster_bytes >> 20} MiB a layer are taken.",
        "Scale it down, or crop the layer to the part that matters.",
    )


def _internal(error: Exception) -> Failure:
    return Failure(
        ErrorCode.INTERNAL, f"A defect in Inlay's plugin: {type(error).__name__}: {error}", "Please report it."
    )
