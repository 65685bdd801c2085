"""The dynamic choices of a parameter as a list with thumbnails, in place of a plain choice."""

from __future__ import annotations

from typing import Any

import gi

from ..client.actions import Parameter
from ..client.choices import DynamicChoice, dynamic_choices, dynamic_parameter
from .arguments import argument_name
from .thumbnails import pixbuf

__all__ = ["DynamicChoice", "choice_list", "dynamic_choices", "dynamic_parameter"]

_TALLEST = 330  # pixels of the dialog that the list may take; the rest is scrolled


def choice_list(parameter: Parameter, choices: list[DynamicChoice], procedure: Any, config: Any, dialog: Any) -> Any:
    """A widget for `dialog` that shows the choices; `config` always holds the one chosen. A double click says OK.

    A value in `config` that is not among the choices (the last image had it, this one has not) becomes the default, or
    the first.
    """
    gi.require_version("Gtk", "3.0")
    from gi.repository import GdkPixbuf, Gtk

    name = argument_name(parameter.name)
    values = [choice.value for choice in choices]
    model = Gtk.ListStore(GdkPixbuf.Pixbuf, str, str)
    for choice in choices:
        model.append([choice.preview and pixbuf(choice.preview), choice.label, choice.note])
    rows = Gtk.TreeView(model=model, headers_visible=False)
    rows.append_column(Gtk.TreeViewColumn("", Gtk.CellRendererPixbuf(xpad=6, ypad=4), pixbuf=0))
    rows.append_column(Gtk.TreeViewColumn("", Gtk.CellRendererText(xpad=6), text=1))
    rows.get_column(1).set_expand(True)
    rows.append_column(Gtk.TreeViewColumn("", Gtk.CellRendererText(xpad=6, xalign=1.0), text=2))
    chosen = rows.get_selection()

    def show(*_: Any) -> None:
        value = config.get_property(name)
        if value not in values:
            config.set_property(name, parameter.default if parameter.default in values else values[0])
        elif (place := Gtk.TreePath.new_from_indices([values.index(value)])) not in chosen.get_selected_rows()[1]:
            rows.set_cursor(place, None, False)

    def choose(_: Any) -> None:
        for place in chosen.get_selected_rows()[1]:
            config.set_property(name, values[place.get_indices()[0]])

    config.connect(f"notify::{name}", show)
    show()
    chosen.connect("changed", choose)
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
