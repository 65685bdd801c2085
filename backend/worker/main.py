"""The worker: one process for one device, which runs one job at a time.

The main thread runs operations. A second thread owns the socket to the broker, so that a cancel reaches a running
operation; a third loads torch; a fourth watches standard input, whose end means that the broker has died.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import zmq

from plugin.client.codec import VERSION, Cancel, Failed, Message, Release, Status, Submit, decode, encode
from plugin.client.image import Raster
from plugin.client.messages import JobState, Progress

from ..imaging import Cancelled, stop_if
from ..log import log_to_stderr
from ..operations import preload
from .devices import Heap, choose, cores, release
from .execute import execute, failure_of, needs_torch
from .image_cache import completed
from .interrupt import LOOK_SECONDS, Interrupter, leave_if_unsettled

PROGRESS_INTERVAL = 0.05

IDLE_SECONDS = 0.5
"""After so long without a job, free memory is given back."""

logger = logging.getLogger("worker")


class BrokerChannel:
    """The connection to the broker, owned by a thread of its own. `inbox` holds what came: a Submit with the event
    that a Cancel of it sets, a Release, or from within the worker a Status to pass on."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.inbox: SimpleQueue[tuple[Message, threading.Event]] = SimpleQueue()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._broker = self.context.socket(zmq.DEALER)
        if "server_key" in settings:
            self._broker.curve_serverkey = settings["server_key"].encode("ascii")
            self._broker.curve_publickey = settings["public"].encode("ascii")
            self._broker.curve_secretkey = settings["secret"].encode("ascii")
        self._broker.connect(settings["address"])
        self._near, self._far = self.context.socket(zmq.PAIR), self.context.socket(zmq.PAIR)
        self._near.bind("inproc://outbox")
        self._far.connect("inproc://outbox")
        threading.Thread(target=self._carry, name="channel", daemon=True).start()

    def send(self, message: Message) -> None:
        """Send to the broker. Of the main thread only, once the channel is set up."""
        self._near.send_multipart(encode(message), copy=False)

    def _carry(self) -> None:
        poller = zmq.Poller()
        poller.register(self._broker, zmq.POLLIN)
        poller.register(self._far, zmq.POLLIN)
        job, stop = "", threading.Event()
        while True:
            ready = dict(poller.poll())
            if self._far in ready:
                self._broker.send_multipart(self._far.recv_multipart(copy=False), copy=False)
            if self._broker in ready:
                message = decode([frame.buffer for frame in self._broker.recv_multipart(copy=False)])
                if isinstance(message, Submit):
                    job, stop = message.job.id, threading.Event()
                if isinstance(message, Cancel):
                    if message.job == job:
                        stop.set()
                else:
                    self.inbox.put((message, stop))
                del message  # the images are the main thread's


class Worker:
    """Runs the jobs that come over the channel, one after the other."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.channel = BrokerChannel(settings)
        self.wanted, self.log = str(settings["device"]), str(settings["log"])
        self.device: Future[str] = Future()  # known once torch is loaded
        self.loading = threading.Thread(target=self._load, name="torch", daemon=True)
        self.cache: dict[Any, Any] = {}
        self.interrupter = Interrupter()
        self.shared = "server_key" not in settings  # with encryption, clients may be of several people
        self.begun = time.monotonic()
        self.warm = bool(settings["warm"])
        if self.warm:
            self.loading.start()
            threading.Thread(target=preload, name="operations", daemon=True).start()  # what of it needs no torch

    def run(self) -> None:
        self.channel.send(self.status(f"{self.wanted} (not loaded yet)"))
        heap, waiting = Heap(), None
        while True:
            try:
                message, stop = self.channel.inbox.get(timeout=waiting)
            except Empty:
                heap.give_back()
                waiting = None
                continue
            if isinstance(message, Submit):
                self.channel.send(self.answer(message, stop))
                del message  # and with it the images that are not kept
                heap.after_job()
                waiting = IDLE_SECONDS
            elif isinstance(message, Release):
                release(self.cache)
            elif isinstance(message, Status):  # torch is there
                self.channel.send(message)

    def status(self, device: str) -> Status:
        return Status(VERSION, os.getpid(), time.monotonic() - self.begun, device, "idle", 0, [], self.log)

    def answer(self, message: Submit, stop: threading.Event) -> Message:
        """What the job came to: a Result, a Failed, or a Progress that says it was cancelled."""
        job, sent = message.job, 0.0

        def progress(fraction: float, text: str = "", preview: Raster | None = None) -> None:
            nonlocal sent
            now = time.monotonic()
            if now - sent >= PROGRESS_INTERVAL:
                sent = now
                with self.interrupter.held():
                    self.channel.send(Progress(job.id, JobState.RUNNING, float(fraction), text, preview))

        self.channel.send(Progress(job.id, JobState.RUNNING, 0.0, "Begun"))  # from now on it is not for another worker
        try:
            job = completed(message, self.cache, self.shared)
            device = "cpu"
            if needs_torch(job.action):
                if not self.device.done():
                    progress(-1.0, "Loading the numerical library")
                    sent = 0.0
                device = self.loaded(stop)
            with self.interrupter.interruptible(stop):
                return execute(job, device, progress, stop.is_set, self.cache)
        except Exception as error:
            if isinstance(error, Cancelled) or stop.is_set():  # a library may make something else of an interruption
                self.interrupter.end()
                leave_if_unsettled()
                return Progress(job.id, JobState.CANCELLED, message="Cancelled")
            return Failed(job.id, failure_of(error, job, self.log))

    def loaded(self, stop: threading.Event) -> str:
        """The torch device, once torch is loaded.

        Raises:
            Cancelled: `stop` was set before.
            Exception: what kept it from being loaded.
        """
        if not self.loading.ident:
            self.loading.start()
        while not wait([self.device], LOOK_SECONDS).done:
            stop_if(stop.is_set)
        device = self.device.result()
        import torch

        torch.set_num_threads(cores())  # of the calling thread
        return device

    def _load(self) -> None:
        try:
            device, description = choose(self.wanted)
        except Exception as error:
            self.device.set_exception(error)
            logger.exception("torch cannot be loaded")
        else:
            self.device.set_result(device)
            self.channel.inbox.put((self.status(description), threading.Event()))


def _end_with_broker() -> None:
    while sys.stdin.buffer.read(1 << 10):
        pass
    os._exit(0)


def main() -> None:
    """Run a worker as the settings on the first line of standard input say."""
    log_to_stderr("worker")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the broker
    if sys.platform == "linux":  # when memory runs out, end this process rather than the editor
        Path("/proc/self/oom_score_adj").write_text("500")
    settings = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_broker, name="broker watch", daemon=True).start()
    Worker(settings).run()


if __name__ == "__main__":
    main()
