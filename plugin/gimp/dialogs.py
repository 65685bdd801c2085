"""The dialog of an action: GIMP's fields for the procedure's arguments, and lists of its own."""

from __future__ import annotations

from typing import Any

import gi

from ..client.actions import Action, Kind, Parameter, Source
from . import arguments
from .arguments import argument_name
from .choice_list import DynamicChoice, choice_list, dynamic_parameter

_SLIDER_SPAN = 1000
"""A number whose range is wider than this is typed, not dragged."""
_LOOK = 500
"""Milliseconds between two looks whether the layer is still there."""


class Dialog:
    """The dialog of `action` on a layer. `dynamic`: the choices found for the parameter that depends on the image."""

    def __init__(
        self, action: Action, procedure: Any, config: Any, layer: Any, dynamic: list[DynamicChoice] | None = None
    ) -> None:
        gi.require_version("GimpUi", "3.0")
        gi.require_version("Gtk", "3.0")
        from gi.repository import GimpUi, Gtk

        from .layer_chooser import layer_chooser

        self._action, self._config, self._layer = action, config, layer
        GimpUi.init("inlay")
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, action.label)
        explanation = self.dialog.get_label("inlay-explanation", action.help, False, False)
        explanation.set_line_wrap(True)
        explanation.set_max_width_chars(50)
        explanation.set_xalign(0.0)
        self._fields = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._fields.pack_start(explanation, False, False, 0)
        for wanted in action.inputs:
            if wanted.source is Source.OTHER:
                self._fields.pack_start(layer_chooser(wanted, layer, procedure, config), False, False, 0)
        listed = dynamic_parameter(action) if dynamic else None
        if dynamic and listed is not None:
            self._fields.pack_start(choice_list(listed, dynamic, procedure, config, self.dialog), True, True, 0)
        self._widgets = {p.name: self._widget(p) for p in action.parameters if p is not listed}
        if self._widgets:
            names = [argument_name(name) for name in self._widgets]
            self._fields.pack_start(self.dialog.fill_box("inlay-settings", names), False, False, 0)
        self._columns = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=12, border_width=6)
        self._columns.pack_end(self._fields, True, True, 0)
        self._columns.show_all()
        self.dialog.get_content_area().pack_start(self._columns, True, True, 0)
        self._handler = config.connect("notify", self._disable)
        self._disable()

    def show_beside(self, widget: Any) -> None:
        """Put a preview to the left of the fields."""
        self._columns.pack_start(widget, False, False, 0)

    def run(self) -> bool:
        """Whether the user said yes. What they chose is in the config. It ends with the image, too."""
        from gi.repository import GLib

        looking = GLib.timeout_add(_LOOK, self._close_with_image)
        said_yes = bool(self.dialog.run())
        GLib.source_remove(looking)
        self._config.disconnect(self._handler)
        self.dialog.destroy()
        return said_yes

    def _close_with_image(self) -> bool:
        from gi.repository import Gtk

        if not self._layer.is_valid():
            self.dialog.response(Gtk.ResponseType.CANCEL)
        return True

    def _widget(self, parameter: Parameter) -> Any:
        from gi.repository import GObject, Gtk

        name = argument_name(parameter.name)
        if _draggable(parameter):
            return self.dialog.get_scale_entry(name, 1.0)
        if parameter.kind is Kind.CHOICE:
            # named before the dialog is filled: GIMP 3.2 makes radio buttons of two or three choices
            return self.dialog.get_widget(name, Gtk.ComboBox.__gtype__)
        return self.dialog.get_widget(name, GObject.TYPE_NONE)

    def _disable(self, *_: Any) -> None:
        """Settings that do nothing with the others as they are cannot be changed."""
        from gi.repository import Gimp

        selected = not Gimp.Selection.is_empty(self._layer.get_image()) if self._layer.is_valid() else False
        values = arguments.values(self._config, self._action) | {"selection": selected}
        without = self._action.without_effect(values)
        for name, widget in self._widgets.items():
            if widget is not None:
                widget.set_sensitive(name not in without)


def _draggable(parameter: Parameter) -> bool:
    if parameter.kind not in (Kind.INTEGER, Kind.NUMBER) or parameter.minimum is None or parameter.maximum is None:
        return False
    return parameter.maximum - parameter.minimum <= _SLIDER_SPAN
