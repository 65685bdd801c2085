"""What a picture offers for a parameter: a list of small pictures to choose from, in place of a plain choice."""

from __future__ import annotations

from typing import Any

import gi

from ..client.actions import Parameter
from ..client.offers import Offer, lister, offers
from ..client.raster import Raster
from .arguments import argument_name

__all__ = ["Offer", "lister", "offer_list", "offers"]

_TALLEST = 330  # pixels of the dialog that the list may take; the rest is scrolled


def offer_list(parameter: Parameter, choices: list[Offer], procedure: Any, config: Any, dialog: Any) -> Any:
    """A widget for `dialog` that shows the choices; `config` always holds the one chosen. A double click says OK.

    A value in `config` that is not among the choices (the last picture had it, this one has not) becomes the default.
    """
    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk

    name = argument_name(parameter.name)
    rows = Gtk.ListBox(activate_on_single_click=False)
    by_value = {choice.value: _row(choice, Gtk) for choice in choices}
    for row in by_value.values():
        rows.add(row)

    def show(*_: Any) -> None:
        row = by_value.get(config.get_property(name))
        if row is None:
            config.set_property(name, parameter.default)
        else:
            rows.select_row(row)

    def choose(_: Any, selected: Any) -> None:
        value = next((value for value, row in by_value.items() if row is selected), None)
        if value is not None and value != config.get_property(name):
            config.set_property(name, value)

    config.connect(f"notify::{name}", show)
    show()
    rows.connect("row-selected", choose)
    rows.connect("row-activated", lambda *_: dialog.response(Gtk.ResponseType.OK))
    scrolled = Gtk.ScrolledWindow(
        hscrollbar_policy=Gtk.PolicyType.NEVER,
        shadow_type=Gtk.ShadowType.IN,
        propagate_natural_height=True,
        max_content_height=_TALLEST,
    )
    scrolled.add(rows)
    label = Gtk.Label.new_with_mnemonic(procedure.find_argument(name).nick)
    label.set_mnemonic_widget(rows)
    label.set_xalign(0.0)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=6)
    box.pack_start(label, False, False, 0)
    box.pack_start(scrolled, True, True, 0)
    box.show_all()
    return box


def _row(choice: Offer, gtk: Any) -> Any:
    line = gtk.Box(spacing=12, border_width=4)
    if choice.preview is not None:
        line.pack_start(gtk.Image.new_from_pixbuf(_pixbuf(choice.preview)), False, False, 0)
    line.pack_start(gtk.Label(label=choice.label, xalign=0.0), True, True, 0)
    line.pack_start(gtk.Label(label=choice.note, xalign=1.0), False, False, 0)
    row = gtk.ListBoxRow()
    row.add(line)
    return row


def _pixbuf(raster: Raster) -> Any:
    from gi.repository import GdkPixbuf, GLib

    data = GLib.Bytes.new(bytes(raster.data))
    rgb, width, height = GdkPixbuf.Colorspace.RGB, raster.width, raster.height
    return GdkPixbuf.Pixbuf.new_from_bytes(data, rgb, True, 8, width, height, 4 * width)
