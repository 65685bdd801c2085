"""The window of the last result: its settings change it where it is, its variants are chosen, the image before is seen.

It stays open beside the image while other actions run, and always shows the last of their results.
"""

from __future__ import annotations

import time
from typing import Any

import gi
from gi.repository import Gimp, GLib

from ..client.actions import Kind, Parameter, Value
from ..client.codec import Failed
from ..client.messages import Job, Progress, Result
from ..client.net.connection import Connection
from . import last_result
from .image import ImageError
from .last_result import LIVE, LastResult

PROCEDURE = "inlay-last-result"
LABEL = "Last Result"
HELP = "Changes the last result where it is: grow, feather, edge, strength, variant; shows the image before and after."

_LABELS = {"grow": "_Grow (px):", "feather": "_Feather (px):", "edge": "_Edge:", "strength": "_Strength (%):"}
_PAUSE = 0.3
"""Seconds without another change after which the job runs again."""
_POLL = 60  # milliseconds
_LOOK = 0.5  # seconds between two looks whether there is another last result
_SIDE = 56  # of a thumbnail, in pixels of the screen


def show() -> None:
    """The window, until it is closed."""
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi, Gtk

    GimpUi.init("inlay")
    with Connection("gimp") as connection:
        window = ResultWindow(connection)
        GimpUi.window_set_transient(window.dialog)
        window.dialog.connect("response", Gtk.main_quit)
        window.dialog.show()
        Gtk.main()  # `run` would make it modal, and then the image's window could not have the keyboard
        window.dialog.destroy()


class ResultWindow:
    """Always the same fields at the same places; those that the last result has nothing for are gray."""

    def __init__(self, connection: Connection) -> None:
        from gi.repository import Gtk

        self._gtk, self._connection = Gtk, connection
        self._last: LastResult | None = None
        self._shown = ""  # id of the job that the fields show
        self._filling = False
        self._wanted: dict[str, Value] = {}
        self._due: float | None = None
        self._looked = 0.0
        self._running: tuple[LastResult, Job] | None = None
        self._seen: list[Any] = []  # layers that are hidden while the image before is shown
        self.dialog = Gtk.Dialog(title=LABEL, resizable=False)
        self.dialog.add_button("_Close", Gtk.ResponseType.CLOSE)
        self._title = Gtk.Label(xalign=0.0, width_chars=34, max_width_chars=34, ellipsize=3)
        self._fields = {name: self._field(name) for name in LIVE}
        grid = Gtk.Grid(row_spacing=6, column_spacing=12)
        for row, (name, field) in enumerate(self._fields.items()):
            label = Gtk.Label.new_with_mnemonic(_LABELS[name])
            label.set_mnemonic_widget(field)
            label.set_xalign(0.0)
            grid.attach(label, 0, row, 1, 1)
            grid.attach(field, 1, row, 1, 1)
        self._variants = Gtk.Box(spacing=4)
        self._variants.set_size_request(-1, _SIDE + 12)
        self._before = Gtk.ToggleButton(label="_Before", use_underline=True, halign=Gtk.Align.START)
        self._before.connect("toggled", lambda *_: self._show_before())
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, width_chars=34, max_width_chars=34, lines=3)
        box = self.dialog.get_content_area()
        box.set_spacing(6)
        box.set_border_width(12)
        for part in (self._title, grid, self._variants, self._before, self._bar, self._text):
            box.pack_start(part, False, False, 0)
        box.show_all()
        self._source = GLib.timeout_add(_POLL, self._poll)
        self.dialog.connect("destroy", lambda *_: GLib.source_remove(self._source))
        self._refresh()

    def _field(self, name: str) -> Any:
        if name == "edge":
            field = self._gtk.ComboBoxText(hexpand=True)
            field.connect("changed", lambda *_: self._change(name, field.get_active_id() or ""))
        else:
            field = self._gtk.SpinButton(hexpand=True, width_chars=8)
            field.set_increments(1, 10)
            field.connect("value-changed", lambda *_: self._change(name, field.get_value()))
        return field

    def _refresh(self) -> None:
        """Show the last result as it is now."""
        last, self._wanted, self._due = last_result.load(), {}, None
        self._shown = last.job if last is not None else ""
        self._last = last if last is not None and last.is_there() else None
        found = self._last.parameters() if self._last is not None else {}
        layers = self._last.gimp_layers() if self._last is not None else []
        self._filling = True
        self._title.set_text(self._last.of.label if self._last is not None else "There is nothing to change.")
        for name, field in self._fields.items():
            field.set_sensitive(name in found)
            if name in found:
                _fill(field, *found[name])
        for child in self._variants.get_children():
            child.destroy()
        first = None
        for layer in self._last.variants() if self._last is not None else []:
            first = self._add_variant(layer, first)
        self._variants.show_all()
        self._seen = []
        self._before.set_sensitive(bool(layers))
        self._before.set_active(bool(layers) and not any(layer.get_visible() for layer in layers))
        self._filling = False

    def _add_variant(self, layer: Any, first: Any) -> Any:
        """A button that shows a variant; the first one of its group."""
        button = self._gtk.RadioButton.new_from_widget(first)
        button.set_mode(False)
        button.set_tooltip_text(layer.get_name())
        shown = layer.get_thumbnail(_SIDE, _SIDE, Gimp.PixbufTransparency.SMALL_CHECKS)
        button.add(self._gtk.Image.new_from_pixbuf(shown))
        button.set_active(layer.get_visible())
        button.connect("toggled", lambda *_: self._choose(layer) if button.get_active() else None)
        self._variants.pack_start(button, False, False, 0)
        return first or button

    def _choose(self, chosen: Any) -> None:
        if self._filling or self._last is None or not self._last.is_there():
            return
        _show_layers({layer: layer == chosen for layer in self._last.variants()}, self._last.gimp_image())
        self._last.gimp_image().set_selected_layers([chosen])
        Gimp.displays_flush()

    def _show_before(self) -> None:
        if self._filling or self._last is None or not self._last.is_there():
            return
        before, layers = self._before.get_active(), self._last.gimp_layers()
        if before:
            self._seen = [layer for layer in layers if layer.get_visible()]
        visible = dict.fromkeys(self._seen or self._last.variants()[:1] or layers, not before)
        if self._last.of.hides_layer:
            visible[Gimp.Item.get_by_id(self._last.layer)] = before
        _show_layers(visible, self._last.gimp_image())
        Gimp.displays_flush()

    def _change(self, name: str, value: Value) -> None:
        if self._filling or self._last is None:
            return
        parameter = self._last.parameters()[name][0]
        self._wanted[name] = int(value) if parameter.kind is Kind.INTEGER else value
        self._due = time.monotonic() + _PAUSE

    def _poll(self) -> bool:
        if self._due is not None and time.monotonic() >= self._due:
            self._due = None
            self._begin()
        for event in self._connection.events():
            if self._running is None or getattr(event, "job", "") != self._running[1].id:
                continue
            if isinstance(event, Result):
                self._put(event)
            elif isinstance(event, Failed):
                self._running = None
                self._say(f"{event.failure.message} {event.failure.remedy}")
            elif isinstance(event, Progress):
                self._progress(event)
        if self._running is None and self._due is None and time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            last = last_result.load()
            if last is not None and last.job != self._shown:
                self._say("")
                self._refresh()
        return True

    def _begin(self) -> None:
        last = last_result.load()
        if last is None or last.job != self._shown or not last.is_there():
            self._refresh()
            self._say("The result was changed by hand meanwhile; it stays as it is.")
            return
        if self._running is not None:
            self._connection.cancel(self._running[1].id)
        self._running = None
        try:
            self._running = last.job_with(self._wanted)
        except (ImageError, ValueError) as error:
            self._say(str(error))
            return
        self._say("")
        self._connection.submit(self._running[1])

    def _put(self, result: Result) -> None:
        assert self._running is not None
        (changed, _), self._running = self._running, None
        self._bar.set_fraction(1.0)
        self._text.set_text("\n".join(result.notes))
        if self._last is None or not self._last.is_there():
            self._refresh()
            return
        try:
            changed.put(result)
        except (ImageError, ValueError) as error:
            self._say(str(error))
            return
        wanted = self._wanted
        if all(changed.values[name] == value for name, value in wanted.items()):
            self._refresh()
        else:
            self._last, self._shown = last_result.load(), changed.job

    def _progress(self, event: Progress) -> None:
        if event.fraction < 0:
            self._bar.pulse()
        else:
            self._bar.set_fraction(min(event.fraction, 1.0))
        self._text.set_text(event.message)

    def _say(self, text: str) -> None:
        self._bar.set_fraction(0.0)
        self._text.set_text(text)


def _show_layers(visible: dict[Any, bool], gimp_image: Any) -> None:
    """Show or hide layers, without a step in Edit > Undo."""
    gimp_image.undo_freeze()
    for layer, seen in visible.items():
        layer.set_visible(seen)
    gimp_image.undo_thaw()


def _fill(field: Any, parameter: Parameter, value: Value) -> None:
    """Show a setting in its field."""
    if parameter.kind is Kind.CHOICE:
        field.remove_all()
        for choice, label in parameter.choices:
            field.append(choice, label)
        field.set_active_id(str(value))
        return
    field.set_digits(0 if parameter.kind is Kind.INTEGER else 1)
    field.set_range(parameter.minimum, parameter.maximum)
    field.set_value(float(value))
    field.set_tooltip_text(parameter.help)
