"""Which job runs where: from a checked request over a worker to the answer that is kept.

The dispatcher owns the workers and the queue; it tells clients of their jobs through `send`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from plugin.client.actions import BY_NAME
from plugin.client.codec import Cancel, Failed, ProtocolError, Release, Status, Submit, decode, encode
from plugin.client.messages import ErrorCode, Failure, JobState, Progress, Result

from ..memory import available
from .admission import RefusedError, admit, check_room, check_total, estimate
from .jobs import Entry, Session, Sessions
from .options import Options
from .worker_handle import Worker, WorkerState, describe_exit

STARTUP_SECONDS = 60.0
LAST_SECONDS = 1.0
"""How long the broker, when it ends, waits for a killed worker to be gone."""
logger = logging.getLogger("broker")


class Dispatcher:
    """Runs the jobs of `sessions` on `workers`, oldest first."""

    def __init__(
        self,
        options: Options,
        sessions: Sessions,
        workers: list[Worker],
        send: Callable[[str, Sequence[Any]], None],
        log: str,
    ) -> None:
        self.options, self.sessions, self.workers, self.send, self.log = options, sessions, workers, send, log

    def submit(self, session: Session, message: Submit, frames: Sequence[Any]) -> None:
        """Queue a job that is in order; answer for one that is known already."""
        job, now = message.job, time.monotonic()
        if (known := session.jobs.get(job.id)) is not None:
            self.report(known)
            return
        entry = Entry(session.client, job.id, now, BY_NAME.get(job.action), size=sum(map(len, frames)))
        entry.needs = estimate(job)
        self.sessions.remember(session, entry)
        try:
            entry.action = admit(job)
            check_total(self.sessions.held() + entry.size, available())
        except RefusedError as refused:
            self.fail(entry, refused.failure)
            return
        entry.request = frames
        self.sessions.queue.append(entry)
        self.dispatch()
        if entry.state is JobState.QUEUED:
            ahead = len(self.sessions.queue) - 1 + sum(worker.entry is not None for worker in self.workers)
            entry.message = f"Waiting for {ahead} other job{'s'[: ahead > 1]}" if ahead else "Starting the worker"
            self.report(entry)

    def dispatch(self) -> None:
        """Hand waiting jobs to idle workers, oldest first; start workers for what is left."""
        queue = self.sessions.queue
        for worker in self.workers:
            while queue and worker.state is WorkerState.IDLE:
                entry = queue.popleft()
                try:
                    check_room(entry.needs, available(), self.options.memory)
                except RefusedError as refused:
                    self.fail(entry, refused.failure)
                    continue
                entry.state, entry.message, entry.fraction = JobState.RUNNING, "Started", 0.0
                entry.started = entry.last_event = time.monotonic()
                worker.assign(entry)
                self.report(entry)
        if queue:
            self.start_a_worker()

    def start_a_worker(self) -> None:
        """Start a stopped worker, unless one is about to be ready."""
        if not any(worker.state in (WorkerState.STARTING, WorkerState.IDLE) for worker in self.workers):
            for worker in self.workers:
                if worker.state is WorkerState.STOPPED:
                    try:
                        worker.start()
                    except OSError as error:
                        worker.kill()
                        self.give_up(str(error))
                    break

    def cancel(self, entry: Entry) -> None:
        """End a job that has not ended. A worker that runs it gets a grace to come back in."""
        if entry.state.ended:
            return
        if entry in self.sessions.queue:
            self.sessions.queue.remove(entry)
        for worker in self.workers:
            if worker.entry is entry:
                worker.cancelled = time.monotonic()
                worker.send(Cancel(entry.client, entry.id))
        progress = Progress(entry.id, JobState.CANCELLED, entry.fraction, "Cancelled")
        entry.message = progress.message
        self.finish(entry, JobState.CANCELLED, encode(progress))

    def fail(self, entry: Entry, failure: Failure) -> None:
        self.finish(entry, JobState.FAILED, encode(Failed(entry.id, failure)), f"{failure.code.value}: {failure}")

    def finish(self, entry: Entry, state: JobState, answer: Sequence[Any], why: str = "") -> None:
        """Set a job's end, send it, and keep it until it is released. Does nothing to a job that has ended."""
        if entry.state.ended:
            return
        now = time.monotonic()
        waited = (entry.started or now) - entry.submitted
        entry.state, entry.answer, entry.request = state, answer, ()
        logger.info(
            "job %s of %s %s %s: waited %.3f s, ran %.3f s, %.1f MB in, %.1f MB out%s",
            entry.id[:8], entry.client[:8], entry.action.name if entry.action else "-", state.value, waited,
            now - entry.submitted - waited, entry.size / 1e6, sum(map(len, answer)) / 1e6, f" ({why})" if why else "",
        )  # fmt: skip
        self.report(entry)

    def report(self, entry: Entry) -> None:
        """Send the client the state of a job, or its end."""
        progress = Progress(entry.id, entry.state, entry.fraction, entry.message)
        self.send(entry.client, entry.answer or encode(progress))

    # What workers say, and what they do not.

    def handle(self, worker: Worker) -> None:
        """Take one message of a worker; what it says of its job goes on to the client as it is."""
        assert worker.socket is not None
        frames = worker.socket.recv_multipart(copy=False)
        try:
            message = decode([frame.buffer for frame in frames])
        except ProtocolError as error:  # a result beyond the limits
            self.lose(worker, f"What the worker made cannot be sent: {error}.")
            return
        if isinstance(message, Status):
            worker.ready(message.device)
            self.dispatch()
            return
        entry = worker.entry
        if entry is None or not isinstance(message, Progress | Result | Failed):
            return
        if isinstance(message, Progress) and not message.state.ended:
            entry.last_event = time.monotonic()
            entry.request = ()  # it has begun: nobody else is to do it again
            if not entry.state.ended:
                entry.fraction, entry.message = message.fraction, message.message
                self.send(entry.client, frames)
            return
        worker.finished()
        if isinstance(message, Result):
            entry.fraction = 1.0
            self.finish(entry, JobState.DONE, frames)
        elif isinstance(message, Failed):
            self.finish(entry, JobState.FAILED, frames, f"{message.failure.code.value}: {message.failure.message}")
        self.dispatch()

    def look_after(self, worker: Worker, now: float) -> None:
        worker.reap()
        entry, idle = worker.entry, now - worker.since if worker.state is WorkerState.IDLE else 0.0
        if (status := worker.exit_status()) is not None:
            self.lose(worker, f"The worker died ({describe_exit(status)}).")
        elif worker.state is WorkerState.STARTING and now - worker.since > STARTUP_SECONDS:
            self.lose(worker, f"The worker was not ready after {STARTUP_SECONDS:g} seconds.")
        elif entry is not None and worker.cancelled:
            if now - worker.cancelled > self.options.grace:
                logger.warning("job %s did not stop: ending worker %d", entry.id[:8], worker.number)
                worker.kill()
                self.dispatch()
        elif entry is not None and entry.action is not None:
            limit = self.options.deadline or entry.action.deadline
            if now - entry.last_event > limit:
                text = f"'{entry.action.label}' made no progress for {limit:g} seconds and was stopped."
                remedy = "Try it on a smaller layer or selection. The backend is ready for the next job."
                worker.kill()
                self.fail(entry, Failure(ErrorCode.DEADLINE, text, remedy, self.log))
                self.dispatch()
        elif idle > self.options.worker_idle:
            logger.info("worker %d idles: ending it", worker.number)
            worker.kill()
        elif idle > self.options.release_after and not worker.released:
            worker.released = True
            worker.send(Release("", ""))

    def lose(self, worker: Worker, why: str) -> None:
        """End a worker that is of no more use and fail its job; the jobs that wait go on with a new one.

        A job that it had not begun goes to the new one, once: the worker died idle, and the job has no part in it.
        """
        logger.error("worker %d: %s", worker.number, why)
        entry, starting = worker.entry, worker.state is WorkerState.STARTING
        worker.kill()
        if entry is not None and entry.request and not entry.lost_before and not entry.state.ended:
            entry.lost_before, entry.state, entry.message = True, JobState.QUEUED, "Starting the worker again"
            self.sessions.queue.appendleft(entry)
            self.report(entry)
        elif entry is not None:
            remedy = "Run the action again; if it keeps failing, memory may be short: try a smaller layer or selection."
            self.fail(entry, Failure(ErrorCode.WORKER_DIED, why, remedy, self.log))
        worker.failures = worker.failures + 1 if starting else 0
        if worker.failures > 1:
            worker.failures = 0
            self.give_up(why)
        self.dispatch()

    def give_up(self, why: str) -> None:
        """No worker starts: fail all jobs that wait."""
        failure = Failure(
            ErrorCode.WORKER_DIED,
            f"The worker does not start: {why}",
            "Run the installer again: it repairs it.",
            self.log,
        )
        while self.sessions.queue:
            self.fail(self.sessions.queue.popleft(), failure)

    def close(self) -> None:
        """End all jobs, telling their clients, and all workers."""
        gone = Failure(ErrorCode.UNREACHABLE, "The backend was stopped.", "Run the action again: it starts by itself.")
        for entry in list(self.sessions.entries()):
            self.fail(entry, gone)
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.wait(LAST_SECONDS)
