"""Dynamic choices: the choices of a parameter that fit an image, each with a thumbnail.

A parameter with `choice_provider` names a hidden action. That action's outputs, named "CHOICE: NOTE", are the choices.
"""

from __future__ import annotations

from dataclasses import dataclass

from .actions import Action, Kind, Parameter
from .image import PixelFormat, Raster
from .messages import Result

_PREVIEW_FORMAT = PixelFormat("RGBA", "u8")


@dataclass(frozen=True, slots=True)
class DynamicChoice:
    """One choice that fits the image."""

    value: str
    label: str
    note: str = ""  # how much of the image it takes, or the year of a painting
    preview: Raster | None = None


def dynamic_parameter(action: Action) -> Parameter | None:
    """The action's parameter whose choices depend on the image, None for most actions."""
    return next((parameter for parameter in action.parameters if parameter.choice_provider), None)


def dynamic_choices(parameter: Parameter, listed: Result) -> list[DynamicChoice]:
    """The parameter's choices that fit the image; its default is always among them, first where it is not listed.

    `listed` is what the action `parameter.choice_provider` answered. A text may be whatever that names, and has no
    default.
    """
    labels = dict(parameter.choices)
    found: list[DynamicChoice] = []
    for output in listed.outputs:
        value, _, note = output.name.rpartition(": ")
        label = labels.get(value, value if parameter.kind is Kind.TEXT else "")
        if label and output.raster.format == _PREVIEW_FORMAT:
            found.append(DynamicChoice(value, label, note, output.raster))
    if parameter.kind is Kind.TEXT:
        return found
    default = str(parameter.default)
    if all(choice.value != default for choice in found):
        found.insert(0, DynamicChoice(default, labels[default]))
    return found
