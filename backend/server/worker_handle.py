"""A worker as the broker sees it: a process with a socket, what it is doing, and since when."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import zmq

from plugin.client.codec import Message, encode

from ..memory import held
from .jobs import Entry
from .options import Options
from .sockets import Sockets

ENVIRONMENT = {
    # torch's threads sleep while they wait: spinning takes the cores from the editor, and from themselves
    "OMP_WAIT_POLICY": "PASSIVE",
    # convolutions are compiled for each size of image that comes along, and kept: 1024 by default, each with memory; a
    # selection needs some eighty, so that fewer than 256 would be compiled anew in every job
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
    # what Metal lacks is done on the CPU, rather than not at all
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",
}
"""Of a worker, where the user's environment does not say otherwise."""

ROOT = Path(__file__).resolve().parents[2]


class WorkerState(str, Enum):
    """What a worker is at."""

    STOPPED = "stopped"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"


class Worker:
    """One device's worker process, started when it is needed and replaced when it dies."""

    def __init__(self, number: int, device: str, options: Options, sockets: Sockets, log: str) -> None:
        self.number, self.device, self.options, self.sockets, self.log = number, device, options, sockets, log
        self.description = device  # what the worker says of its device, once it has
        self.state = WorkerState.STOPPED
        self.socket: zmq.Socket[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.entry: Entry | None = None  # the job it runs
        self.cancelled = 0.0  # when that job was cancelled, 0 if it was not
        self.since = 0.0  # of the state
        self.released = True  # its caches are empty
        self.failures = 0  # to start, in a row
        self._ending: list[subprocess.Popen[bytes]] = []  # killed, and not seen to have ended

    def start(self) -> None:
        """Start the process; it says a Status when it is ready for jobs. Raises OSError when it cannot be run."""
        self.socket, address = self.sockets.for_worker(self.number)
        settings = {"address": address, "device": self.device, "log": self.log, "warm": self.options.warm}
        if (keys := self.sockets.keys) is not None:
            settings |= {"server_key": keys.server_public, "public": keys.client_public, "secret": keys.client_secret}
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend.worker.main"],
            stdin=subprocess.PIPE,  # left open: its end tells the worker that the broker has died
            stdout=sys.stderr,
            env=ENVIRONMENT | os.environ | {"PYTHONPATH": path},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows: the broker has no console to share
        )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died already, and its exit status will say so
            self.process.stdin.write(json.dumps(settings).encode() + b"\n")
            self.process.stdin.flush()
        self._enter(WorkerState.STARTING)

    def ready(self, description: str) -> None:
        """The worker has said what it runs on."""
        self.description, self.failures = description, 0
        if self.state is WorkerState.STARTING:
            self._enter(WorkerState.IDLE)

    def assign(self, entry: Entry) -> None:
        """Have it run a job; its frames are passed on as they are."""
        self.entry, self.cancelled, self.released = entry, 0.0, False
        self._send_frames(entry.request)
        self._enter(WorkerState.BUSY)

    def finished(self) -> None:
        """It has come back from its job."""
        self.entry = None
        self._enter(WorkerState.IDLE)

    def send(self, message: Message) -> None:
        self._send_frames(encode(message))

    def kill(self) -> None:
        """End the process at once. What it was doing is lost; `start` may be called again.

        Its end is not waited for: one that hangs in a driver may take long to go, and the broker has clients to answer.
        """
        if self.process is not None:
            self.process.kill()
            assert self.process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self._ending.append(self.process)
            self.reap()
        if self.socket is not None:
            self.socket.close(linger=0)
        self.process = self.socket = self.entry = None
        self.released = True
        self._enter(WorkerState.STOPPED)

    def reap(self) -> None:
        """Let go of the killed processes that have ended by now; the others are looked at again later."""
        self._ending = [process for process in self._ending if process.poll() is None]

    def wait(self, seconds: float) -> None:
        """Wait for the killed processes to end, but no longer than so."""
        deadline = time.monotonic() + seconds
        while self._ending and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)

    def exit_status(self) -> int | None:
        """Of a process that has ended by itself; None while it lives or was never started."""
        return self.process.poll() if self.process is not None else None

    def memory(self) -> int:
        """Bytes that the process holds."""
        return held(self.process.pid) if self.process is not None else 0

    def shift(self, seconds: float) -> None:
        """Take so much time as not having passed."""
        self.since += seconds
        self.cancelled += seconds if self.cancelled else 0.0

    def _send_frames(self, frames: Sequence[Any]) -> None:
        assert self.socket is not None
        with contextlib.suppress(zmq.Again):  # it has just died, and its exit status will say so
            self.socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=False)

    def _enter(self, state: WorkerState) -> None:
        self.state, self.since = state, time.monotonic()


def describe_exit(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
