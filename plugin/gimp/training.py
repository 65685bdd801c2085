"""A custom style in training: GIMP's progress bar shows how far it is, and a message says when it is ready."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gi.repository import Gimp

from ..client.messages import Job, Progress
from ..client.net.connection import Connection, JobCancelled

ACTION = "style.train"
_GOES_ON = ("begin", "resume")
_PAUSE = 2.0
"""Seconds between two looks how far it is."""


def followed(values: Mapping[str, object], notes: tuple[str, ...], gimp_image: Any, connection: Connection) -> str:
    """What to tell the user in the end. The training goes on without whoever looks on.

    `notes` are the answer to the command that was sent. Raises JobCancelled when the image was closed.
    """
    if values["command"] not in _GOES_ON:
        return " ".join(notes)
    name = str(values["name"])
    Gimp.progress_init(f"Training {name}...")
    try:
        while not (ended := connection.run(Job("style.training", {"name": name}, {}), on_event=_show).notes):
            until = time.monotonic() + _PAUSE
            while time.monotonic() < until:
                time.sleep(0.1)
                if not gimp_image.is_valid():
                    raise JobCancelled(name)
    finally:
        Gimp.progress_end()
    if not ended[0].endswith(": trained"):
        return ended[0]
    return f"{ended[0]}. It is in the list of Style > Stylize with Custom Style."


def _show(progress: Progress) -> None:
    if progress.fraction >= 0 and progress.message:
        Gimp.progress_set_text(progress.message)
        Gimp.progress_update(min(progress.fraction, 1.0))
