"""The window of the settings: what the backend may use, for every program, and what it has written."""

from __future__ import annotations

from typing import Any

import gi

from ..client.net.connection import Connection
from ..client.server.launcher import LaunchError, log_end
from ..client.server.preferences import (
    DEVICE_HELP,
    DEVICES,
    IDLE_HELP,
    MEMORY_HELP,
    Preferences,
    device_named,
    load,
    save,
)

PROCEDURE = "inlay-settings"
LABEL = "Settings"
HELP = "The device, the memory and the idle time of the backend, and its log."

_TEXT = (
    "What the backend may use from its next start on, for Krita too. Keys are given in Edit > Keyboard Shortcuts: "
    "search for inlay."
)
_OFTEN = 2000  # milliseconds between two looks at the log


def show() -> None:
    """The window, until it is closed; with OK the settings are kept and a backend that runs is ended."""
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi, Gtk

    GimpUi.init("inlay")
    window = SettingsWindow(load())
    while window.dialog.run() == Gtk.ResponseType.OK:
        try:
            save(window.preferences())
        except (OSError, LaunchError) as error:
            window.say(f"The settings cannot be kept: {error}.")
            continue
        with Connection("gimp", start=False) as connection:
            connection.shutdown()
        break
    window.dialog.destroy()


class SettingsWindow:
    """Fields for the preferences, and the end of the backend's log, followed while it is seen."""

    def __init__(self, preferences: Preferences) -> None:
        from gi.repository import GLib, Gtk

        self._gtk = Gtk
        self.dialog = Gtk.Dialog(title=f"Inlay {LABEL}", default_width=640)
        self.dialog.add_button("_Cancel", Gtk.ResponseType.CANCEL)
        self.dialog.add_button("_OK", Gtk.ResponseType.OK)
        self._device = Gtk.ComboBoxText.new_with_entry()
        for value, label in DEVICES:
            self._device.append(value, label)
        self._device.get_child().set_text(preferences.device_label)
        self._memory = self._number(preferences.memory, 1024, 0.5, 1)
        self._idle = self._number(preferences.idle, 24 * 60, 1, 0)
        grid = Gtk.Grid(row_spacing=6, column_spacing=12)
        for row, (label, field, help_text) in enumerate(
            (
                ("_Device:", self._device, DEVICE_HELP),
                ("_Memory for a job (GiB):", self._memory, MEMORY_HELP),
                ("Backend ends _after (min):", self._idle, IDLE_HELP),
            )
        ):
            words = Gtk.Label.new_with_mnemonic(label)
            words.set_mnemonic_widget(field)
            words.set_xalign(0.0)
            field.set_tooltip_text(help_text)
            field.set_hexpand(True)
            grid.attach(words, 0, row, 1, 1)
            grid.attach(field, 1, row, 1, 1)
        self._log = Gtk.TextView(editable=False, monospace=True, cursor_visible=False)
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, min_content_height=180)
        scrolled.add(self._log)
        self._text = Gtk.Label(label=_TEXT, xalign=0.0, wrap=True, max_width_chars=80)
        box = self.dialog.get_content_area()
        box.set_spacing(6)
        box.set_border_width(12)
        heading = Gtk.Label(label="The backend's log:", xalign=0.0)
        for part in (self._text, grid, heading, scrolled):
            box.pack_start(part, part is scrolled, part is scrolled, 0)
        box.show_all()
        source = GLib.timeout_add(_OFTEN, self._read_log)
        self.dialog.connect("destroy", lambda *_: GLib.source_remove(source))
        self._read_log()

    def preferences(self) -> Preferences:
        """What was entered."""
        device = device_named(self._device.get_child().get_text())
        return Preferences(device, self._memory.get_value(), int(self._idle.get_value()))

    def say(self, text: str) -> None:
        """Say something in the window."""
        self._text.set_text(text)

    def _number(self, value: float, most: float, step: float, digits: int) -> Any:
        field = self._gtk.SpinButton.new_with_range(0, most, step)
        field.set_digits(digits)
        field.set_value(value)
        return field

    def _read_log(self) -> bool:
        text, buffer = log_end(), self._log.get_buffer()
        if text != buffer.get_text(*buffer.get_bounds(), False):
            buffer.set_text(text)
            self._log.scroll_mark_onscreen(buffer.create_mark(None, buffer.get_end_iter(), False))
        return True
