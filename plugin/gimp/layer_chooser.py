"""The field that a second layer is chosen with: it shows which one is chosen."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from ..client.actions import Input
from .arguments import argument_name

_NONE = -1


def layer_chooser(wanted: Input, active: Any, procedure: Any, config: Any) -> Any:
    """A labeled list of the layers of all open images but the active one; `config` always holds the one chosen."""
    from gi.repository import Gtk

    name = argument_name(wanted.name)
    model = Gtk.ListStore(int, str)
    if not wanted.required:
        model.append([_NONE, "None"])
    for layer, title in _others(active):
        model.append([layer.get_id(), title])
    combo = Gtk.ComboBox(model=model, hexpand=True)
    text = Gtk.CellRendererText()
    combo.pack_start(text, True)
    combo.add_attribute(text, "text", 1)

    def show(*_: Any) -> None:
        layer = config.get_property(name)
        number = _NONE if layer is None else layer.get_id()
        rows = [row[0] for row in model]
        combo.set_active(rows.index(number) if number in rows else (-1 if wanted.required else 0))

    def choose(_: Any) -> None:
        if (place := combo.get_active_iter()) is not None:
            number = model[place][0]
            chosen = None if number == _NONE else Gimp.Item.get_by_id(number)
            if config.get_property(name) != chosen:
                config.set_property(name, chosen)

    show()
    config.connect(f"notify::{name}", show)
    combo.connect("changed", choose)
    label = Gtk.Label.new_with_mnemonic(procedure.find_argument(name).nick)
    label.set_mnemonic_widget(combo)
    row = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=12)
    row.pack_start(label, False, False, 0)
    row.pack_start(combo, True, True, 0)
    row.show_all()
    return row


def _others(active: Any) -> list[tuple[Any, str]]:
    """The layers to choose from, each with its title, those of the active layer's image first."""
    own = active.get_image()
    found = []
    for image in sorted(Gimp.get_images(), key=lambda image: image != own):
        title = "" if image == own else f"{image.get_name()}: "
        found += [(layer, title + layer.get_name()) for layer in _walk(image.get_layers()) if layer != active]
    return found


def _walk(layers: list[Any]) -> list[Any]:
    found = []
    for layer in layers:
        found.append(layer)
        if layer.is_group_layer():
            found += _walk(layer.get_children())
    return found
