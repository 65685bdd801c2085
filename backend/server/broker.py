"""The broker: takes jobs from clients, has workers run them, keeps what came of them. Never imports torch or numpy.

One thread and one poller. Every step is short, because images pass through as the frames they came in: so the control
socket is answered at once whatever runs.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import zmq

from plugin.client.actions import BY_NAME
from plugin.client.codec import (
    VERSION,
    Cancel,
    Failed,
    Fetch,
    Hello,
    Limits,
    Message,
    Ping,
    ProtocolError,
    Release,
    Shutdown,
    Status,
    Submit,
    Welcome,
    decode,
    encode,
)
from plugin.client.messages import ErrorCode, Failure, Progress
from plugin.client.server.launcher import LOG_BYTES, LaunchError, log_path

from ..log import rotate
from ..memory import give_back
from .intake import Gate, Inbox
from .jobs import Entry, Session, Sessions
from .options import Options
from .scheduler import Dispatcher
from .sockets import Sockets
from .worker_handle import Worker, WorkerState

TICK_MS = 50
PROBE_SECONDS = 0.1
"""After so long without a word to a client whose job is not done, the broker makes sure that it is still connected."""
GONE_SECONDS = 0.2
"""A client on this machine that has been disconnected for so long was killed."""
PAUSE_SECONDS = 0.5
"""A turn of the broker that took so much too long did not run at all for a while, and perhaps nobody else did."""
ROTATE_SECONDS = 60.0
"""So often it is looked whether the log has become long."""
UNKNOWN = Failure(
    ErrorCode.BAD_REQUEST,
    "The backend has this job no more: it had not heard of this program for a while and took it for gone.",
    "Run the action again.",
)
logger = logging.getLogger("broker")

Answer = Callable[[Message], None]
Socket = zmq.Socket[bytes]


def serve(options: Options) -> int:
    """Run a broker, on the main thread, until a client or a signal stops it or it idles for long.

    Raises EndpointError.
    """
    sockets = Sockets(options)
    broker = Broker(options, sockets)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, broker.stop)
    try:
        sockets.publish()
        logger.info("listening at %s in %s", sockets.endpoint.work, options.run_dir)
        broker.run()
    finally:
        broker.close()
    return 0


class Broker:
    """The backend's center. `run` returns when it is to end; `close` then ends the workers."""

    def __init__(self, options: Options, sockets: Sockets) -> None:
        self.options, self.sockets = options, sockets
        self.log = _log_of_this_process()
        self.sessions = Sessions(options.lease)
        self.workers = [Worker(i, name, options, sockets, self.log) for i, name in enumerate(options.devices)]
        self.dispatcher = Dispatcher(options, self.sessions, self.workers, self.send_to, self.log)
        self.inboxes = {socket: Inbox(socket, Limits()) for socket in (sockets.work, sockets.control)}
        self.begun = self.busy_at = self.ticked = self.rotated = time.monotonic()
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            poller = zmq.Poller()
            monitors = [gate.monitor for gate in self.sockets.gates]
            for socket in (self.sockets.control, self.sockets.work, *monitors, *self._worker_sockets()):
                poller.register(socket, zmq.POLLIN)
            waiting = dict(poller.poll(TICK_MS))
            if self.sockets.control in waiting:
                self.receive(self.sockets.control, self.on_control)
            if self.sockets.work in waiting:
                self.receive(self.sockets.work, self.on_work)
            for gate in self.sockets.gates:
                if gate.monitor in waiting and gate.crowded():
                    self.clear(gate)
            for worker in self.workers:
                if worker.socket is not None and worker.socket in waiting:
                    self.dispatcher.handle(worker)
            self.tick(time.monotonic())

    def stop(self, number: int, frame: FrameType | None) -> None:
        """End `run` at its next turn. A signal's handler: an exception would be lost if it met a destructor."""
        logger.info("told to stop by %s", signal.Signals(number).name)
        self.stopping = True

    def close(self) -> None:
        """Tell the clients, end the workers, remove the sockets."""
        self.dispatcher.close()
        self.sockets.close()
        logger.info("ended")

    # What clients say.

    def receive(self, socket: Socket, handle: Callable[[Session, Answer, Message, Sequence[Any]], None]) -> None:
        """Take what there is of a client's message and, when it is whole, answer it, whatever it is."""
        incoming = self.inboxes[socket].read()
        if incoming is None:
            return
        route, frames = incoming.route, incoming.frames

        def answer(message: Message) -> None:
            self.send(socket, route, encode(message))

        def refuse(code: ErrorCode, text: str, remedy: str = "") -> None:
            logger.warning("refused a message: %s", text)
            answer(Failed("", Failure(code, text, remedy, self.log)))

        if incoming.excess:
            refuse(ErrorCode.TOO_LARGE, f"The backend does not take a message: {incoming.excess}.")
            return
        try:
            message = decode([frame.buffer for frame in frames])
            session = self.session_of(message, frames)
            if socket is self.sockets.work:
                session.route, session.lost = route, 0.0
            handle(session, answer, message, frames)
        except ProtocolError as error:
            refuse(error.code, f"The backend does not understand a message: {error}.", _remedy(error.code))
        except Exception:
            logger.exception("a message could not be served")
            refuse(ErrorCode.INTERNAL, "The backend failed at serving a message.", "The log says more.")

    def session_of(self, message: Message, frames: Sequence[Any]) -> Session:
        """The session of the message's client. Raises ProtocolError when it has none or it is another key's."""
        client = getattr(message, "client", "")
        if not client:
            raise ProtocolError("it names no client")
        if isinstance(message, Hello) and message.version != VERSION:
            raise ProtocolError(f"the client speaks version {message.version}, not {VERSION}", ErrorCode.VERSION)
        key = frames[0].get("User-Id") if self.sockets.keys is not None else ""
        session = self.sessions.touch(client, str(key), time.monotonic())
        if session is None:
            raise ProtocolError("its client is another one")
        return session

    def on_work(self, session: Session, answer: Answer, message: Message, frames: Sequence[Any]) -> None:
        if isinstance(message, Hello):
            logger.info("client %s (%s)", session.client[:8], message.program[:40])
            answer(Welcome(VERSION, self.options.lease, list(BY_NAME)))
            if self.options.warm:
                self.dispatcher.start_a_worker()
        elif isinstance(message, Submit):
            self.dispatcher.submit(session, message, frames)
        elif isinstance(message, Fetch):
            entry = session.jobs.get(message.job)
            if entry is None:
                answer(Failed(message.job, UNKNOWN))
            else:
                self.dispatcher.report(entry)
        elif isinstance(message, Release):
            entry = session.jobs.get(message.job)
            if entry is not None and entry.state.ended:
                del session.jobs[message.job]
        else:
            raise ProtocolError(f"a {type(message).__name__} does not belong on the work socket")

    def on_control(self, session: Session, answer: Answer, message: Message, frames: Sequence[Any]) -> None:
        if isinstance(message, Hello):
            answer(Welcome(VERSION, self.options.lease, list(BY_NAME)))
        elif isinstance(message, Ping):
            answer(self.status(session))
        elif isinstance(message, Cancel):
            entry = session.jobs.get(message.job)
            if entry is None:  # the job itself is still on its way
                entry = Entry(session.client, message.job, time.monotonic())
                self.sessions.remember(session, entry)
            self.dispatcher.cancel(entry)
            answer(Progress(entry.id, entry.state, entry.fraction, entry.message))
        elif isinstance(message, Shutdown):
            logger.info("client %s asks to end", session.client[:8])
            answer(self.status(session))
            self.stopping = True
        else:
            raise ProtocolError(f"a {type(message).__name__} does not belong on the control socket")

    def clear(self, gate: Gate) -> None:
        """Cut the connections of a socket that has too many. Clients connect anew and ask how their jobs are."""
        logger.warning("more than %d connections to one socket: all of them are cut", gate.most)
        gate.clear()
        for session in self.sessions.by_client.values():
            session.route, session.lost = b"", 0.0

    def tick(self, now: float) -> None:
        """Look after what has run out: the clients' leases, the workers, the backend's own time."""
        if (pause := now - self.ticked) > PAUSE_SECONDS:  # asleep, with the clients and workers: nobody's time ran
            logger.info("stood still for %.1f s", pause)
            self.sessions.shift(pause)
            for worker in self.workers:
                worker.shift(pause)
        self.ticked = now
        if self.log and now - self.rotated > ROTATE_SECONDS:
            self.rotated = now
            rotate(Path(self.log), LOG_BYTES)
        for session in self.sessions.expired(now):
            logger.info("client %s has gone", session.client[:8])
            for entry in list(session.jobs.values()):
                self.dispatcher.cancel(entry)
            session.jobs.clear()
            give_back()
        if self.sockets.endpoint.local:
            for session in self.sessions.by_client.values():
                self.probe(session, now)
        for worker in self.workers:
            self.dispatcher.look_after(worker, now)
        if self.sessions.by_client or any(worker.entry for worker in self.workers):
            self.busy_at = now
        elif now - self.busy_at > self.options.idle:
            logger.info("no clients for %g s", self.options.idle)
            self.stopping = True

    def probe(self, session: Session, now: float) -> None:
        """Cancel the jobs of a client that was killed, without waiting for the end of its lease.

        A client that has heard nothing for a while hears again how its job is. That this cannot be delivered means that
        its connection is closed; and a client on this machine that lives reconnects at once.
        """
        unfinished = [entry for entry in session.jobs.values() if not entry.state.ended]
        if not unfinished or not session.route:
            return
        if now - session.told > PROBE_SECONDS:
            self.dispatcher.report(unfinished[0])
        if session.lost and now - session.lost > GONE_SECONDS:
            logger.info("client %s has closed its connection", session.client[:8])
            for entry in unfinished:
                self.dispatcher.cancel(entry)

    def send_to(self, client: str, frames: Sequence[Any]) -> None:
        """Send to a client's work socket, if it has one; what does not arrive can be fetched."""
        session = self.sessions.by_client.get(client)
        if session is not None and session.route:
            session.told = time.monotonic()
            if self.send(self.sockets.work, session.route, frames):
                session.lost = 0.0
            else:
                session.lost = session.lost or session.told

    def send(self, socket: Socket, route: bytes, frames: Sequence[Any]) -> bool:
        """Send without waiting; whether there is still a connection to send over."""
        try:
            socket.send_multipart([route, *frames], flags=zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            logger.debug("an answer could not be sent: %s", error)
            return error.errno != zmq.EHOSTUNREACH
        return True

    def status(self, session: Session) -> Status:
        """The state of the backend, and of this client's jobs."""
        states = [worker.state for worker in self.workers]
        order = [WorkerState.BUSY, WorkerState.STARTING, WorkerState.IDLE, WorkerState.STOPPED]
        return Status(
            version=VERSION,
            pid=os.getpid(),
            uptime=time.monotonic() - self.begun,
            device=", ".join(worker.description for worker in self.workers),
            worker=min(states, key=order.index).value,
            memory=sum(worker.memory() for worker in self.workers),
            jobs=[entry.status() for entry in session.jobs.values() if not entry.state.ended],
            log=self.log,
        )

    def _worker_sockets(self) -> list[Socket]:
        return [worker.socket for worker in self.workers if worker.socket is not None]


def _remedy(code: ErrorCode) -> str:
    if code is ErrorCode.VERSION:
        return "Run the installer again, then restart the editor: plugin and backend must be of one version."
    return ""


def _log_of_this_process() -> str:
    """The log's path when this process writes to it, empty when it writes elsewhere."""
    try:
        return str(log_path()) if os.path.samestat(os.fstat(sys.stderr.fileno()), log_path().stat()) else ""
    except (OSError, ValueError, LaunchError):
        return ""
