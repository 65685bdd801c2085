"""Filling: a selection, the subject or an object erased."""

from __future__ import annotations

from .parts import LAYER, SELECTION
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source

METHOD = (
    Parameter(
        "method", Kind.CHOICE, "auto", "Method", "How the hole is filled.",
        choices=(
            ("auto", "The best there is"),
            ("network", "The network alone: smooth"),
            ("patches", "Patches of the surroundings"),
        ),
    ),
    Parameter(
        "grow", Kind.INTEGER, 6, "Grow", "Widen the hole by so many pixels, so that no rim of what was there is left.",
        0, 200, unit=" px",
    ),
    Parameter(
        "traces", Kind.SWITCH, True, "Traces too",
        "Erase a rim or a shadow right beside the hole with it. With 0 px of growth nothing beside the hole changes.",
    ),
    Parameter(
        "feather", Kind.NUMBER, 2.0, "Feather", "Soften the edge of the fill inwards over so many pixels.", 0, 100,
        unit=" px",
    ),
    Parameter(
        "area", Kind.CHOICE, "around", "Sampling area", "Where the fill may be taken from.",
        choices=(("around", "Around the hole"), ("everywhere", "The whole layer")),
    ),
    Parameter(
        "reach", Kind.INTEGER, 100, "Width around the hole",
        "How far around the hole the fill may be taken from, of the hole's longer side.", 10, 150, unit=" %",
    ),
    Parameter(
        "seed", Kind.INTEGER, 0, "Seed",
        "Another number gives another fill. It goes on by itself: undo and fill again for another try.",
        0, 2**31 - 8, advances_by="variants",
    ),
    Parameter("variants", Kind.INTEGER, 1, "Variants", "So many different fills, each on a layer of its own.", 1, 4),
)  # fmt: skip
SAMPLING = Input("source", Source.OTHER, "Take only from where this is painted", required=False)

FILL: tuple[Action, ...] = (
    Action(
        name="fill.selection",
        menu="Fill",
        label="Fill Selection",
        help="Replace what is selected by what is around it, so that it looks as if it had never been there.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SELECTION, SAMPLING),
        parameters=METHOD,
        extent=Extent.SELECTION,
        margin=1.6,
        border=264,  # the widest growth, and 64 px to take patches from
        whole_when=("area", "everywhere"),
    ),
    Action(
        name="fill.subject",
        menu="Fill",
        label="Erase Subject",
        help="Find what the picture is about, a person, an animal, a thing, and fill its place with what is around it.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SAMPLING),
        parameters=METHOD,
    ),
    Action(
        name="fill.object",
        menu="Fill",
        label="Erase Object",
        help="Erase the object that the selection means: a dot on it, a box or a loose outline around it.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SELECTION, SAMPLING),
        parameters=METHOD,
    ),
)  # fmt: skip
