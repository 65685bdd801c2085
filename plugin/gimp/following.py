"""A job on its way: GIMP's progress bar shows how it goes, and it ends with the image it is for."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from gi.repository import Gimp

from ..client.actions import Action
from ..client.messages import Job, Progress, Result
from ..client.net.connection import Connection
from .thumbnails import Watching

_LOOK = 0.25
"""Seconds between two looks whether the image is still open."""


def begin(action: Action) -> None:
    """Show GIMP's progress bar, before the image is read: a large one takes a while."""
    Gimp.progress_init(f"{action.label}...")


def followed(job: Job, action: Action, gimp_image: Any, connection: Connection, watch: bool = False) -> Result:
    """The job's result, after `begin`; with `watch`, what there is of it is shown on the way.

    Raises JobFailed, or JobCancelled: by the user, or because the image was closed.
    """
    terminated = _terminated()
    watching = Watching(f"{action.label}: so far") if watch else None
    looked, is_open = time.monotonic(), True

    def show(progress: Progress) -> None:
        _show(progress)
        if watching is not None and progress.preview is not None:
            watching.show(progress.preview)

    def cancelled() -> bool:
        nonlocal looked, is_open
        if is_open and time.monotonic() - looked > _LOOK:
            looked, is_open = time.monotonic(), bool(gimp_image.is_valid())
        return not is_open or terminated.is_set() or (watching is not None and watching.stopped())

    try:
        return connection.run(job, on_event=show, cancelled=cancelled)
    finally:
        if watching is not None:
            watching.close()
        Gimp.progress_end()


def _show(progress: Progress) -> None:
    if progress.message:
        Gimp.progress_set_text(progress.message)
    if progress.fraction < 0:
        Gimp.progress_pulse()
    else:
        Gimp.progress_update(min(progress.fraction, 1.0))


def _terminated() -> threading.Event:
    """Set when somebody asks this process to end, so that the job is cancelled in good order."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    return asked
