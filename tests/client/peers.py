"""The other end of a connection, for tests of the client: a ROUTER, a raw socket that speaks some ZMTP, a backend."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import zmq

from plugin.client.actions import ResultKind
from plugin.client.codec import (
    VERSION,
    Cancel,
    Failed,
    Fetch,
    Hello,
    JobStatus,
    Message,
    Ping,
    Release,
    Shutdown,
    Status,
    Submit,
    Welcome,
    decode,
    encode,
)
from plugin.client.image import Raster, Reference
from plugin.client.messages import ErrorCode, Failure, Job, JobState, Output, Progress, Result
from plugin.client.net.transport import Channel, Transport
from plugin.client.net.zmtp import GREETING, command
from plugin.client.server.endpoint import CONNECTION_FILE, Endpoint, write_endpoint

MISSING = Failure(ErrorCode.RESEND, "An image is missing.")
GREETING_AND_READY = GREETING + command(b"READY", b"\x0bSocket-Type\0\0\0\x06ROUTER")


def pump(transport: Transport, until: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the transport work until `until()` is true."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, "waited in vain"
            transport.wait(ours.fileno(), 0.02)


def next_message(transport: Transport, channel: Channel) -> list[memoryview]:
    """The next message to arrive."""
    got: list[list[memoryview]] = []
    pump(transport, lambda: got or got.extend(m for m in [channel.receive()] if m is not None) or got)
    return got[0]


@contextmanager
def router(address: str, **options: object) -> Iterator[zmq.Socket[bytes]]:
    """A libzmq ROUTER bound to `address`, with socket options."""
    context = zmq.Context()
    made = context.socket(zmq.ROUTER)
    made.rcvtimeo = 10000
    for name, value in options.items():
        setattr(made, name, value)
    made.bind(address)
    try:
        yield made
    finally:
        context.destroy(linger=0)


@contextmanager
def raw_peer(path: Path, sends: bytes, stays: bool = False) -> Iterator[None]:
    """A unix socket that says `sends` to whoever connects, and hangs up, or stays."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(4)
        listener.settimeout(10.0)
        done = threading.Event()

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(sends)
                if stays:
                    done.wait(10.0)
                else:
                    time.sleep(0.1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class Backend:
    """A backend without workers: answers identity jobs at once, keeps jobs with a `seconds` parameter above 0.

    `pid` stands in the connection file; `lease` is what it tells its clients; `version` what it says it is.
    """

    def __init__(self, run_dir: Path, pid: int = 0, lease: float = 0.6, version: int = VERSION) -> None:
        self.run_dir, self.lease, self.version = run_dir, lease, version
        self.received: list[Message] = []
        self.held: dict[str, Job] = {}
        self.images: dict[str, Raster] = {}  # that came, by digest
        self.forgets = False  # answers every job that names an image with RESEND
        self.silent = False  # takes messages and answers none
        self.to_fetch: Message | None = None  # what a Fetch is answered with
        self._identities: dict[str, bytes] = {}  # client -> route of its work socket
        self._say: list[Message] = []
        self._stop = threading.Event()
        self._context = zmq.Context()
        self.work, self.control = self._context.socket(zmq.ROUTER), self._context.socket(zmq.ROUTER)
        endpoint = Endpoint("ipc://work", "ipc://control", pid or os.getpid(), folder=run_dir)
        self.work.bind(endpoint.resolve(endpoint.work))
        self.control.bind(endpoint.resolve(endpoint.control))
        write_endpoint(endpoint, run_dir / CONNECTION_FILE)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """End without a word, leaving the connection file, as kill -9 does."""
        self._stop.set()
        self._thread.join()
        self._context.destroy(linger=0)

    def finish(self, job_id: str) -> None:
        """Let a held job end."""
        self._say.append(result_of(self.held.pop(job_id)))

    def ask_again(self, job_id: str) -> None:
        """Say that an image of a job is missing."""
        self._say.append(Failed(job_id, MISSING))

    def forget(self) -> None:
        """Drop the connections of all clients, but go on running."""
        self._stop.set()
        self._thread.join()
        for name in ("work", "control"):
            bound = getattr(self, name)
            address = bound.getsockopt_string(zmq.LAST_ENDPOINT)
            bound.close(0)
            fresh = self._context.socket(zmq.ROUTER)
            Path(address.removeprefix("ipc://")).unlink(missing_ok=True)
            fresh.bind(address)
            setattr(self, name, fresh)
        self._stop.clear()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def count(self, kind: type[Message]) -> int:
        return sum(isinstance(message, kind) for message in self.received)

    def _serve(self) -> None:
        while not self._stop.is_set():
            for bound in (self.work, self.control):
                while bound.poll(5):
                    route, *frames = bound.recv_multipart()
                    message = decode(frames)
                    self.received.append(message)
                    if bound is self.work and isinstance(message, Hello):
                        self._identities[message.client] = route
                    if not self.silent:
                        for answer in self._answers(message):
                            bound.send_multipart([route, *encode(answer)])
            while self._say:
                frames = encode(self._say.pop())
                for route in self._identities.values():
                    self.work.send_multipart([route, *frames])

    def _answers(self, message: Message) -> Iterator[Message]:
        if isinstance(message, Hello):
            yield Welcome(self.version, self.lease, ["diagnose.identity"])
        elif isinstance(message, Submit):
            yield Progress(message.job.id, JobState.RUNNING, 0.5, "Working")
            job = self._completed(message.job)
            if job is None:
                yield Failed(message.job.id, MISSING)
            elif job.parameters.get("seconds"):
                self.held[job.id] = job
            else:
                yield result_of(job)
        elif isinstance(message, Fetch) and self.to_fetch:
            yield self.to_fetch
        elif isinstance(message, Fetch) and message.job not in self.held:
            yield Failed(message.job, Failure(ErrorCode.BAD_REQUEST, "The backend does not know this job."))
        elif isinstance(message, Fetch):
            yield Progress(message.job, JobState.RUNNING, 0.7, "Still working")
        elif isinstance(message, Cancel):
            yield Progress(message.job, JobState.CANCELLED)
        elif isinstance(message, Ping | Shutdown):
            held = [JobStatus(job, "diagnose.identity", JobState.RUNNING, 0.5, "") for job in self.held]
            yield Status(VERSION, os.getpid(), 1.0, "cpu", "idle", 0, held, "")
        else:
            assert isinstance(message, Release)

    def _completed(self, job: Job) -> Job | None:
        """The job with what it names in place; None when that is not there."""
        inputs: dict[str, Raster] = {}
        for name, image in job.inputs.items():
            if not isinstance(image, Reference):
                self.images[image.digest()] = inputs[name] = image
            elif image.key in self.images and not self.forgets:
                inputs[name] = self.images[image.key].at(image.x, image.y)
            else:
                return None
        return replace(job, inputs=inputs)


def result_of(job: Job) -> Result:
    """What the identity action answers."""
    return Result(job.id, tuple(Output(ResultKind.LAYER, "Copy", raster) for raster in job.inputs.values()))
