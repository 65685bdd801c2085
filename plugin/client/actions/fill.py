"""Content-aware fill: a selection, the subject or an object removed."""

from __future__ import annotations

from .parts import SELECTION, SENSITIVITY, VISIBLE, WIDEST_SPOT
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source

METHOD = (
    Parameter(
        "method", Kind.CHOICE, "auto", "Method", "How the hole is filled.",
        choices=(
            ("auto", "Automatic"),
            ("network", "Network only (smooth)"),
            ("patches", "Patches only"),
        ),
    ),
    Parameter(
        "grow", Kind.INTEGER, 6, "Grow", "Widen the hole by so many pixels, so that no rim of what was there is left.",
        0, 200, unit=" px",
    ),
    Parameter(
        "shadow_halo", Kind.SWITCH, True, "Remove shadow and halo too",
        "Also remove a shadow or a halo right beside the hole. With 0 px of growth nothing beside the hole changes.",
        aliases=("traces",), no_effect_when=(("grow", 0),),
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
        "sampling_radius", Kind.INTEGER, 100, "Sampling radius",
        "How far around the hole the fill may be taken from, of the hole's longer side.", 10, 150, unit=" %",
        aliases=("reach",), no_effect_when=(("area", "everywhere"),),
    ),
    Parameter(
        "seed", Kind.INTEGER, 0, "Seed",
        "Another number gives another fill. It goes on by itself: undo and fill again for another try.",
        0, 2**31 - 8, advances_by="variants",
    ),
    Parameter(
        "as", Kind.CHOICE, "layer", "Result", "A layer to lie over the hole, or a copy of the layer with it filled.",
        choices=(("layer", "New layer over the hole"), ("copy", "Copy of the layer")),
    ),
    Parameter("variants", Kind.INTEGER, 1, "Variants", "So many different fills, each on a layer of its own.", 1, 4),
)  # fmt: skip
SAMPLING = Input("source", Source.OTHER, "Sample only where this is painted", required=False)

AS = next(parameter for parameter in METHOD if parameter.name == "as")

FILL: tuple[Action, ...] = (
    Action(
        name="fill.selection",
        menu="Fill",
        label="Content-Aware Fill",
        help="Replace what is selected by what is around it, as if it had never been there.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE, SELECTION, SAMPLING),
        parameters=METHOD,
        one_click=True,
        extent=Extent.SELECTION,
        margin=1.6,
        border=264,  # the widest growth, and 64 px to take patches from
        whole_when=(("area", "everywhere"), ("as", "copy")),
    ),
    Action(
        name="fill.subject",
        menu="Fill",
        label="Remove Subject",
        help="Find the subject of the image, a person, an animal or a thing, and fill its place from its surroundings.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE, SAMPLING),
        parameters=METHOD,
        one_click=True,
    ),
    Action(
        name="fill.object",
        menu="Fill",
        label="Remove Object",
        help="Remove the object that the selection marks: a dot on it, a box or a loose outline around it.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE, SELECTION, SAMPLING),
        parameters=METHOD,
        one_click=True,
    ),
    Action(
        name="fill.other_people",
        menu="Fill",
        label="Remove Other People",
        help="Find all people but the subject, such as passers-by, and fill their places from their surroundings.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE, SAMPLING),
        parameters=METHOD,
        one_click=True,
    ),
    Action(
        name="fill.objects",
        menu="Fill",
        label="Remove Small Objects",
        help="Find the small objects that stand apart from the subject, and fill their places from their surroundings.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE, SAMPLING),
        parameters=(
            Parameter(
                "found", Kind.CHOICE, "all", "Object", "Which of the objects found, the largest first.",
                choices=(("all", "All"), *((str(number), f"Object {number}") for number in range(1, 13))),
                choice_provider="fill.objects_found",
            ),
            *METHOD,
        ),
    ),
    Action(
        name="fill.dust",
        menu="Fill",
        label="Heal Dust and Scratches",
        help="Find small spots and thin straight lines on smooth parts of the image, and fill them from beside them.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE,),
        parameters=(SENSITIVITY, WIDEST_SPOT, AS),
        one_click=True,
    ),
)  # fmt: skip
