"""What a picture offers for a parameter: the choices that fit it, each with a small picture.

A parameter with `offered_by` names a hidden action. That action's outputs, named "CHOICE: NOTE", are the offers.
"""

from __future__ import annotations

from dataclasses import dataclass

from .actions import Action, Parameter
from .image import PixelFormat, Raster
from .messages import Result

_PREVIEW_FORMAT = PixelFormat("RGBA", "u8")


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice that fits the picture."""

    value: str
    label: str
    note: str = ""  # how much of the picture it takes, or the year of a painting
    preview: Raster | None = None


def lister(action: Action) -> Parameter | None:
    """The action's parameter whose choices depend on the picture, None for most actions."""
    return next((parameter for parameter in action.parameters if parameter.offered_by), None)


def offers(parameter: Parameter, listed: Result) -> list[Offer]:
    """The parameter's choices that are in the picture; its default is always offered, first where it is not listed.

    `listed` is what the action `parameter.offered_by` answered.
    """
    labels = dict(parameter.choices)
    found: list[Offer] = []
    for output in listed.outputs:
        value, _, note = output.name.partition(": ")
        if value in labels and output.raster.format == _PREVIEW_FORMAT:
            found.append(Offer(value, labels[value], note, output.raster))
    default = str(parameter.default)
    if all(offer.value != default for offer in found):
        found.insert(0, Offer(default, labels[default]))
    return found
