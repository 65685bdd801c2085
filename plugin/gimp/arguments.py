"""A procedure's arguments from an action's parameters, and back: one is declared as the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gi.repository import Gimp, Gio, GObject

from ..client.actions import Action, Input, Kind, Parameter, Source
from ..client.mnemonics import with_keys

_FLAGS = GObject.ParamFlags.READWRITE
_LARGEST = float(2**31 - 1)
DIALOG_KEYS = "hrcolsb"
"""Letters that GIMP's own buttons take: Help, Reset, Cancel, OK, Load Saved Settings, Save Settings; and Before, the
preview's."""


def argument_name(name: str) -> str:
    """A parameter's or input's name as GIMP's procedures want it: dashes, no underscores."""
    return name.replace("_", "-")


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


def recall(config: Any, action: Action, values: Mapping[str, object], layers: dict[str, Any]) -> None:
    """Have the dialog start with these values and layers."""
    for parameter in action.parameters:
        value = values.get(parameter.name, parameter.default)
        if parameter.kind in (Kind.FILE, Kind.FOLDER):
            value = Gio.File.new_for_path(str(value)) if value else None
        config.set_property(argument_name(parameter.name), value)
    for name, layer in layers.items():
        config.set_property(argument_name(name), layer)


def forget_layers(config: Any, action: Action) -> None:
    """Take the chosen layers out of the config: GIMP keeps it for the next time and cannot write layers down."""
    for wanted in action.inputs:
        if wanted.source is Source.OTHER:
            config.set_property(argument_name(wanted.name), None)


def chosen_layers(config: Any, action: Action) -> dict[str, Any]:
    """The layers that are chosen, by the inputs' names."""
    names = [wanted.name for wanted in action.inputs if wanted.source is Source.OTHER]
    return {name: layer for name in names if (layer := config.get_property(argument_name(name))) is not None}


def proposed_layers(action: Action, layers: dict[str, Any], image: Any, layer: Any) -> dict[str, Any]:
    """`layers` without those that are gone; where one is needed, the topmost of the image's others but `layer`.

    Where the image has no other, it is one of another image.
    """
    found = {}
    for wanted in action.inputs:
        if wanted.source is not Source.OTHER:
            continue
        chosen = layers.get(wanted.name)
        if chosen is not None and chosen.is_valid() and chosen != layer:
            found[wanted.name] = chosen
        elif wanted.required and (others := _other_layers(image, layer)):
            found[wanted.name] = others[0]
    return found


def _other_layers(image: Any, layer: Any) -> list[Any]:
    images = sorted(Gimp.get_images(), key=lambda other: other != image)
    return [other for each in images for other in each.get_layers() if other != layer]


def _value(config: Any, parameter: Parameter) -> object:
    value = config.get_property(argument_name(parameter.name))
    if parameter.kind in (Kind.FILE, Kind.FOLDER):
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
    elif parameter.kind is Kind.FOLDER:
        procedure.add_file_argument(*common, Gimp.FileChooserAction.SELECT_FOLDER, True, None, _FLAGS)
    else:
        choice = Gimp.Choice.new()
        for number, (value, meaning) in enumerate(parameter.choices):
            choice.add(value, number, meaning, "")
        procedure.add_choice_argument(*common, choice, default, _FLAGS)
