"""A procedure's arguments from an action's parameters, and back: one is declared as the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gi.repository import Gimp, GObject

from ..client.actions import Action, Input, Kind, Parameter, Source
from ..client.mnemonics import with_keys

_FLAGS = GObject.ParamFlags.READWRITE
_LARGEST = float(2**31 - 1)
DIALOG_KEYS = "hrcols"
"""Letters that GIMP's own buttons take: Help, Reset, Cancel, OK, Load Saved Settings, Save Settings."""


def argument_name(name: str) -> str:
    """A parameter's or input's name as GIMP's procedures want it: dashes, no underscores."""
    return name.replace("_", "-")


def own_arguments(action: Action) -> list[str]:
    """Names of the arguments that `declare` adds, in the order of the dialog."""
    chosen = [wanted.name for wanted in action.inputs if wanted.source is Source.OTHER]
    return [argument_name(name) for name in (*chosen, *(parameter.name for parameter in action.parameters))]


def declare(procedure: Any, action: Action) -> None:
    """Add the action's arguments to its procedure, after those that every image procedure has.

    Older names of parameters become arguments, too: scripts may set them, the dialog does not show them.
    """
    for parameter, label in labeled(action):
        if isinstance(parameter, Input):
            _declare_input(procedure, parameter, label)
        else:
            _declare_parameter(procedure, parameter, label)
    for parameter in _old(action):
        _declare_parameter(procedure, parameter, parameter.label)


def labeled(action: Action) -> list[tuple[Input | Parameter, str]]:
    """What `declare` declares, each with its label, in which an underscore marks the letter that Alt chooses it by."""
    shown: list[Input | Parameter] = [wanted for wanted in action.inputs if wanted.source is Source.OTHER]
    shown += action.parameters
    return list(zip(shown, with_keys([_label(field) for field in shown], DIALOG_KEYS), strict=True))


def _label(field: Input | Parameter) -> str:
    unit = field.unit.strip() if isinstance(field, Parameter) else ""
    return f"{field.label} ({unit})" if unit else field.label


def values(config: Any, action: Action) -> dict[str, object]:
    """The parameters' values in a procedure's config, by the parameters' present names.

    An argument of an older name counts where it has been set to something else than the default.
    """
    found = {parameter.name: _value(config, parameter) for parameter in action.parameters}
    for parameter in action.parameters:
        for alias in parameter.aliases:
            value = _value(config, replace(parameter, name=alias))
            if value != parameter.default:
                found[parameter.name] = value
    return found


def forget_old(config: Any, action: Action) -> None:
    """Set the arguments of older names back to their defaults: the dialog, which does not show them, decides."""
    for parameter in _old(action):
        config.set_property(argument_name(parameter.name), parameter.default)


def _old(action: Action) -> list[Parameter]:
    """A parameter for every older name of the action's parameters."""
    return [
        replace(p, name=name, label=f"{p.label}, by its older name") for p in action.parameters for name in p.aliases
    ]


def advance(config: Any, action: Action) -> None:
    """Have the next dialog, or the filter repeated, start with another try; GIMP keeps what is in the config."""
    following = action.following(action.check(values(config, action)))
    for parameter in action.parameters:
        if parameter.advances_by:
            config.set_property(argument_name(parameter.name), following[parameter.name])


def propose_layers(config: Any, action: Action, image: Any, layer: Any) -> None:
    """Where an input's layer is not of this image (any more), the dialog starts with the topmost one but `layer`."""
    others = [other for other in image.get_layers() if other != layer]
    for wanted in action.inputs:
        if wanted.source is Source.OTHER and wanted.required and others:
            chosen = chosen_layer(config, wanted.name)
            if chosen is None or not chosen.is_valid() or chosen.get_image() != image or chosen == layer:
                config.set_property(argument_name(wanted.name), others[0])


def chosen_layer(config: Any, name: str) -> Any:
    """The layer that was chosen for an input, None if none was."""
    return config.get_property(argument_name(name))


def _value(config: Any, parameter: Parameter) -> object:
    value = config.get_property(argument_name(parameter.name))
    if parameter.kind is Kind.FILE:
        return value.get_path() or "" if value is not None else ""
    return value if value is not None else ""


def _declare_input(procedure: Any, wanted: Input, label: str) -> None:
    help_text = wanted.label if wanted.required else f"{wanted.label} (may be left out)"
    procedure.add_layer_argument(argument_name(wanted.name), label, help_text, True, _FLAGS)


def _declare_parameter(procedure: Any, parameter: Parameter, label: str) -> None:
    common = (argument_name(parameter.name), label, parameter.help)
    low = -_LARGEST if parameter.minimum is None else parameter.minimum
    high = _LARGEST if parameter.maximum is None else parameter.maximum
    default: Any = parameter.default
    if parameter.kind is Kind.INTEGER:
        procedure.add_int_argument(*common, int(low), int(high), default, _FLAGS)
    elif parameter.kind is Kind.NUMBER:
        procedure.add_double_argument(*common, low, high, default, _FLAGS)
    elif parameter.kind is Kind.SWITCH:
        procedure.add_boolean_argument(*common, default, _FLAGS)
    elif parameter.kind is Kind.TEXT:
        procedure.add_string_argument(*common, default, _FLAGS)
    elif parameter.kind is Kind.FILE:
        procedure.add_file_argument(*common, Gimp.FileChooserAction.OPEN, True, None, _FLAGS)
    else:
        choice = Gimp.Choice.new()
        for number, (value, meaning) in enumerate(parameter.choices):
            choice.add(value, number, meaning, "")
        procedure.add_choice_argument(*common, choice, default, _FLAGS)
