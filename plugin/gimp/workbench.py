"""The preview beside an action's settings: computed as they change, and what OK puts into the image.

The backend keeps the image and what its network saw of it, so that a change of grow, feather, edge or strength costs
neither a second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gi.repository import GLib

from ..client.actions import Action
from ..client.codec import Failed
from ..client.image import Raster
from ..client.messages import Job, Progress, Result
from ..client.net.connection import Connection
from . import rendering
from .image import ImageError

_SIZE = 320
"""Longer side of the preview, in pixels of the screen."""
_PAUSE = 0.3
"""Seconds without another change after which the preview is computed."""
_POLL = 60  # milliseconds


class Workbench:
    """A preview of `action` on the layer. `make` builds the job for the settings as they are."""

    def __init__(
        self, action: Action, image: Any, layer: Any, connection: Connection, make: Callable[[], tuple[Job, str]]
    ) -> None:
        """`make` gives the job and how its selection would join the current one. Raises ImageError or ValueError."""
        from gi.repository import Gtk

        self._action, self._image, self._layer, self._connection, self._make = action, image, layer, connection, make
        self._job: Job | None = None
        self._combine = "replace"
        self._done: tuple[Job, Result] | None = None
        self._due: float | None = time.monotonic()
        self._before: Any = None
        self._after: Any = None
        self._shown = Gtk.Image()
        self._shown.set_size_request(_SIZE, _SIZE * 3 // 4)
        self._text = Gtk.Label(wrap=True, max_width_chars=40, xalign=0.0)
        self._bar = Gtk.ProgressBar()
        self._toggle = Gtk.ToggleButton(label="_Before", use_underline=True, halign=Gtk.Align.START, sensitive=False)
        self._toggle.connect("toggled", lambda *_: self._show())
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=6)
        self.widget.pack_start(self._shown, False, False, 0)
        for part in (self._bar, self._text, self._toggle):
            self.widget.pack_start(part, False, False, 0)
        self.widget.show_all()
        self._source = GLib.timeout_add(_POLL, self._poll)

    def change(self, *_: Any) -> None:
        """The settings have changed."""
        self._due = time.monotonic() + _PAUSE

    def close(self) -> None:
        """The dialog is over; what is still being computed is not wanted."""
        GLib.source_remove(self._source)
        if self._job is not None:
            self._connection.cancel(self._job.id)
            self._job = None

    def result_of(self, job: Job) -> Result | None:
        """What was computed for the preview, where it is what this job would give."""
        if self._done is None:
            return None
        shown, result = self._done
        same = (shown.action, shown.parameters) == (job.action, job.parameters) and _same(shown.inputs, job.inputs)
        return result if same else None

    def _poll(self) -> bool:
        if not self._image.is_valid() or not self._layer.is_valid():
            return True
        if self._due is not None and time.monotonic() >= self._due:
            self._due = None
            self._begin()
        for event in self._connection.events():
            if self._job is None or getattr(event, "job", "") != self._job.id:
                continue
            if isinstance(event, Result):
                self._done, self._job = (self._job, event), None
                self._render(event)
            elif isinstance(event, Failed):
                self._job = None
                self._say(f"{event.failure.message} {event.failure.remedy}")
            elif isinstance(event, Progress):
                self._progress(event)
        return True

    def _begin(self) -> None:
        if self._job is not None:
            self._connection.cancel(self._job.id)
        self._job = None
        try:
            self._job, self._combine = self._make()
        except (ImageError, ValueError) as error:
            self._say(str(error))
            return
        self._say("")
        self._connection.submit(self._job)

    def _progress(self, event: Progress) -> None:
        if event.fraction < 0:
            self._bar.pulse()
        else:
            self._bar.set_fraction(min(event.fraction, 1.0))
        self._text.set_text(event.message)

    def _render(self, result: Result) -> None:
        box = rendering.changed(result, self._action, self._image)
        self._before = rendering.thumbnail(self._image, box, _SIZE)
        self._after = rendering.thumbnail_with(
            result, self._action, self._image, self._layer, self._combine, box, _SIZE
        )
        self._bar.set_fraction(1.0)
        self._text.set_text("\n".join(result.notes))
        self._toggle.set_sensitive(True)
        self._show()

    def _say(self, text: str) -> None:
        self._bar.set_fraction(0.0)
        self._text.set_text(text)

    def _show(self) -> None:
        shown = self._before if self._toggle.get_active() else self._after
        if shown is not None:
            self._shown.set_from_pixbuf(shown)


def _same(one: dict[str, Raster], other: dict[str, Raster]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].box == other[name].box and one[name].digest() == other[name].digest() for name in one
    )
