"""The dialog of an action, made by GIMP from the procedure's arguments."""

from __future__ import annotations

from typing import Any

import gi

from ..client.actions import Action, Kind, Parameter
from .arguments import argument_name, own_arguments
from .choice_list import DynamicChoice, choice_list, dynamic_parameter

_SLIDER_SPAN = 1000
"""A number whose range is wider than this is typed, not dragged."""


def ask(action: Action, procedure: Any, config: Any, dynamic: list[DynamicChoice] | None = None) -> bool:
    """Show the dialog; whether the user said yes. What they chose is in `config`.

    `dynamic` are the choices found for the parameter that depends on the image; without them all choices are shown.
    """
    arguments = own_arguments(action)
    if not arguments:
        return True
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi, Gtk

    GimpUi.init("inlay")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, action.label)
    explanation = dialog.get_label("inlay-explanation", action.help, False, False)
    explanation.set_line_wrap(True)
    explanation.set_max_width_chars(50)
    explanation.set_xalign(0.0)
    dialog.fill(["inlay-explanation"])
    if dynamic and (parameter := dynamic_parameter(action)) is not None:
        choices = choice_list(parameter, dynamic, procedure, config, dialog)
        dialog.get_content_area().pack_start(choices, True, True, 0)
        arguments.remove(argument_name(parameter.name))
    for parameter in filter(_draggable, action.parameters):
        dialog.get_scale_entry(argument_name(parameter.name), 1.0)
    for parameter in action.parameters:
        if parameter.kind is Kind.CHOICE and argument_name(parameter.name) in arguments:
            # named before the dialog is filled: GIMP 3.2 makes radio buttons of two or three choices
            dialog.get_widget(argument_name(parameter.name), Gtk.ComboBox.__gtype__)
    dialog.fill(arguments)
    said_yes = bool(dialog.run())
    dialog.destroy()
    return said_yes


def _draggable(parameter: Parameter) -> bool:
    if parameter.kind not in (Kind.INTEGER, Kind.NUMBER) or parameter.minimum is None or parameter.maximum is None:
        return False
    return parameter.maximum - parameter.minimum <= _SLIDER_SPAN
