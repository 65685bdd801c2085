"""A custom style in training: GIMP's progress bar shows how far it is, and a window says when it has ended."""

from __future__ import annotations

import time
from typing import Any

import gi
from gi.repository import Gimp

from ..client import training
from ..client.messages import Progress
from ..client.net.connection import Connection, JobCancelled


def follow(name: str, gimp_image: Any, connection: Connection) -> None:
    """Show how far the training of a style is until it ends, and tell the user. It goes on without whoever looks on.

    Raises JobCancelled when the image was closed.
    """
    Gimp.progress_init(f"Training {name}...")
    try:
        while not (notes := connection.run(training.question(name), on_event=_show).notes):
            until = time.monotonic() + training.PAUSE
            while time.monotonic() < until:
                time.sleep(0.1)
                if not gimp_image.is_valid():
                    raise JobCancelled(name)
    finally:
        Gimp.progress_end()
    _report_end(training.ended(notes[0]))


def _report_end(text: str) -> None:
    """In a window: what stands in the status bar for some seconds is missed after an hour."""
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi, Gtk

    GimpUi.init("inlay")
    window = Gtk.MessageDialog(
        title="Custom Style", text=text, message_type=Gtk.MessageType.INFO, buttons=Gtk.ButtonsType.OK
    )
    window.set_urgency_hint(True)
    window.run()
    window.destroy()


def _show(progress: Progress) -> None:
    if progress.fraction >= 0 and progress.message:
        Gimp.progress_set_text(progress.message)
        Gimp.progress_update(min(progress.fraction, 1.0))
