"""Stopping an operation between two looks for a cancel: a signal raises Cancelled in the main thread, as Ctrl-C would.

Operations look at `context.cancelled` where they do long work; not every step of theirs can. What they call in C is not
interrupted. Nothing is raised while modules are imported or a message is sent, which must not be left half done.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..imaging import Cancelled

LOOK_SECONDS = 0.05
"""So often it is looked whether the job was cancelled: an operation that looks for it itself comes first, mostly."""
AGAIN_SECONDS = 0.3
"""What was raised may have been lost, in a destructor or in somebody's `except`; after so long it is raised again."""
SIGNAL = signal.SIGINT if sys.platform == "win32" else signal.SIGUSR1


class Interrupter:
    """Raises Cancelled in the main thread while that runs an operation. To be made on the main thread."""

    def __init__(self) -> None:
        self._running: threading.Event | None = None  # of the job that may be interrupted: set when it is cancelled
        self._armed = False
        self._held = 0
        self._main = threading.main_thread().ident or 0
        signal.signal(SIGNAL, self._raise)

    @contextlib.contextmanager
    def interruptible(self, stop: threading.Event) -> Iterator[None]:
        """What is done in the `with` may be ended by Cancelled once `stop` is set."""
        self._running = stop
        threading.Thread(target=self._watch, args=(stop,), name="interrupter", daemon=True).start()
        try:
            yield
        finally:
            self.end()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What is done in the `with` is done whole."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def end(self) -> None:
        """The operation has come back: nothing is raised any more."""
        self._running, self._armed, self._held = None, False, 0

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_SECONDS):
            if self._running is not stop:
                return
        pause = threading.Event()
        pause.wait(LOOK_SECONDS)
        while self._running is stop:
            self._armed = True
            for _ in range(round(AGAIN_SECONDS / LOOK_SECONDS)):
                if self._running is stop and self._armed:
                    self._send()
                pause.wait(LOOK_SECONDS)

    def _send(self) -> None:
        if sys.platform == "win32":
            _thread.interrupt_main(SIGNAL)
        else:
            signal.pthread_kill(self._main, SIGNAL)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        running = self._running
        if not self._armed or running is None or not running.is_set() or self._held or _imports(frame):
            return
        self._armed = False
        raise Cancelled("The work was cancelled.")


def leave_if_unsettled() -> None:
    """End the process when an interrupted operation has left torch in a mode that the next one does not expect."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "is_autocast_enabled"):
        autocast = any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda"))
        if torch.is_inference_mode_enabled() or not torch.is_grad_enabled() or autocast:
            os._exit(4)


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported: half of one might stay."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
