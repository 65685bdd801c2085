"""A real backend process for tests, and a client that says exactly what a test wants said."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from plugin.client.codec import Failed, Hello, Message, Ping, Status, decode, encode
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job, Progress, Result
from plugin.client.server.endpoint import CONNECTION_FILE, Endpoint, EndpointError, read_endpoint

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 20.0
FILES = 0  # how many files a backend may have open, 0: as many as this process


class Backend:
    """`inlay serve` on a run directory of its own. `--cold`: tests of transport have no use for torch."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self.run_dir = Path(tempfile.mkdtemp(prefix="inlay-test-"))
        self.log = self.run_dir / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Endpoint:
        """Start it and wait until it can be connected to."""
        command = [sys.executable, "-m", "backend", "serve", "--run-dir", str(self.run_dir), "--cold", *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, preexec_fn=_limit_files)
        wait_for(lambda: self._published() or self.process.poll() is not None, "the connection file")
        assert self.process.poll() is None, self.log.read_text()
        return self.endpoint

    def _published(self) -> bool:
        try:
            return self.endpoint.pid == self.process.pid
        except (FileNotFoundError, EndpointError):
            return False

    @property
    def endpoint(self) -> Endpoint:
        return read_endpoint(self.run_dir / CONNECTION_FILE)

    def workers(self) -> list[int]:
        """Process ids of the workers that live."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in (children.read_text() if children.exists() else found.stdout).split()]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as a terminal would; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def _limit_files() -> None:
    if FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


class Talker:
    """A client without manners of its own: two sockets, and the messages as they come."""

    def __init__(
        self, endpoint: Endpoint, client: str = "talker", greet: bool = True, pair: tuple[bytes, bytes] | None = None
    ) -> None:
        """`pair`: a CURVE key pair of its own, in place of the one in the connection file."""
        self.client = client
        self.context = zmq.Context()
        self.pair = pair or (endpoint.client_public.encode(), endpoint.client_secret.encode())
        self.work, self.control = (self._connect(endpoint, a) for a in (endpoint.work, endpoint.control))
        if greet:
            self.say(Hello(client))
            self.receive()

    def _connect(self, endpoint: Endpoint, address: str) -> zmq.Socket:
        socket = self.context.socket(zmq.DEALER)
        if endpoint.secure:
            socket.curve_serverkey = endpoint.server_key.encode()
            socket.curve_publickey, socket.curve_secretkey = self.pair
        socket.ipv6 = True
        socket.connect(endpoint.resolve(address))
        return socket

    def say(self, message: Message) -> None:
        self.work.send_multipart(encode(message), copy=False)

    def receive(self, timeout: float = PATIENCE) -> Message:
        """The next message on the work socket."""
        assert self.work.poll(int(timeout * 1000)), f"nothing heard for {timeout} s"
        return decode([frame.buffer for frame in self.work.recv_multipart(copy=False)])

    def ask(self, message: Message, timeout: float = PATIENCE) -> Message:
        """The answer to a message on the control socket."""
        self.control.send_multipart(encode(message))
        assert self.control.poll(int(timeout * 1000)), f"no answer for {timeout} s"
        return decode(self.control.recv_multipart())

    def status(self) -> Status:
        answer = self.ask(Ping(self.client))
        assert isinstance(answer, Status), answer
        return answer

    def receive_until(self, wanted: Callable[[Message], bool], timeout: float = PATIENCE) -> Message:
        """The next message that is wanted; the lease is kept up meanwhile."""
        end = pinged = time.monotonic() + timeout
        while (now := time.monotonic()) < end:
            if abs(now - pinged) > 0.2:
                self.status()
                pinged = now
            if self.work.poll(100):
                message = self.receive()
                if wanted(message):
                    return message
        raise AssertionError(f"not heard for {timeout} s")

    def receive_end(self, job: Job, timeout: float = PATIENCE) -> Message:
        """The last message of a job."""
        return self.receive_until(lambda m: getattr(m, "job", None) == job.id and ended(m), timeout)

    def receive_running(self, job: Job) -> Message:
        """Progress from within the running operation."""
        return self.receive_until(lambda m: isinstance(m, Progress) and m.job == job.id and m.message == "Waiting")

    def close(self) -> None:
        self.context.destroy(linger=0)


def ended(message: Message) -> bool:
    return isinstance(message, Result | Failed) or (isinstance(message, Progress) and message.state.ended)


def identity(width: int = 64, height: int = 48, **parameters: float | str) -> Job:
    """A job that sends a random image there and back."""
    pixels = os.urandom(width * height * 4)
    image = Raster(PixelFormat("RGBA", "u8"), width, height, pixels, x=-7, y=11, profile=b"a profile")
    return Job("diagnose.identity", dict(parameters), {"image": image})


def wait_for(holds: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
