"""Thumbnails from the backend as GTK shows them, and the window in which a painting is watched."""

from __future__ import annotations

from typing import Any

import gi

from ..client.image import Raster

_LARGEST = 360
"""Longer side of what is watched, in pixels of the screen."""


def pixbuf(raster: Raster) -> Any:
    """A GdkPixbuf of an image in one of the formats that previews have, RGB or RGBA with 8 bits."""
    gi.require_version("GdkPixbuf", "2.0")
    from gi.repository import GdkPixbuf, GLib

    line = len(raster.format.channels) * raster.width
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(raster.data)), GdkPixbuf.Colorspace.RGB, raster.format.has_alpha, 8, raster.width,
        raster.height, line,
    )  # fmt: skip


class Watching:
    """What a job has so far, in a window that comes with the first image; closing it, or its button, stops the job.

    Whoever waits for the job calls `stopped` often: the window lives on that.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._window: Any = None
        self._stopped = False

    def show(self, image: Raster) -> None:
        """Show what there is now."""
        from gi.repository import GdkPixbuf

        scale = _LARGEST / max(image.width, image.height)
        size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
        shown = pixbuf(image).scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)
        if self._window is None:
            self._open()
        self._image.set_from_pixbuf(shown)

    def stopped(self) -> bool:
        """Whether the user wants the job to end."""
        if self._window is not None:
            from gi.repository import Gtk

            while Gtk.events_pending():
                Gtk.main_iteration()
        return self._stopped

    def close(self) -> None:
        """The job is over."""
        if self._window is not None:
            self._window.destroy()
            self._window = None

    def _open(self) -> None:
        gi.require_version("GimpUi", "3.0")
        gi.require_version("Gtk", "3.0")
        from gi.repository import GimpUi, Gtk

        GimpUi.init("inlay")
        self._window = Gtk.Window(title=self._title, border_width=12, focus_on_map=False, resizable=False)
        GimpUi.window_set_transient(self._window)
        self._image = Gtk.Image()
        button = Gtk.Button.new_with_mnemonic("_Cancel")
        button.connect("clicked", self._stop)
        self._window.connect("delete-event", self._stop)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        column.pack_start(self._image, True, True, 0)
        column.pack_start(button, False, False, 0)
        self._window.add(column)
        self._window.show_all()

    def _stop(self, *_: Any) -> bool:
        self._stopped = True
        return True
