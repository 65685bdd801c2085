"""Inputs and parameters that several actions share."""

from __future__ import annotations

from .schema import Input, Kind, Parameter, Source

LAYER = Input("image", Source.LAYER, "Layer")
SELECTION = Input("selection", Source.SELECTION, "Selection")
OPTIONAL_SELECTION = Input("selection", Source.SELECTION, "Selection", required=False)

COMBINE = Parameter(
    "combine", Kind.CHOICE, "replace", "Combine", "How the result joins the current selection.",
    choices=(("replace", "Replace"), ("add", "Add"), ("subtract", "Subtract"), ("intersect", "Intersect")),
)  # fmt: skip
GROW = Parameter(
    "grow", Kind.INTEGER, 0, "Grow", "Widen the result by so many pixels; negative numbers shrink it.", -200, 200,
    unit=" px",
)  # fmt: skip
EDGE = Parameter(
    "edge", Kind.CHOICE, "soft", "Edge", "Soft edges follow the picture's own; hard ones are crisp.",
    choices=(("soft", "Soft"), ("hard", "Hard")),
)  # fmt: skip
FEATHER = Parameter(
    "feather", Kind.NUMBER, 0.0, "Feather", "Soften the edge of the result over so many pixels.", 0, 200, unit=" px"
)

CAREFUL = Parameter(
    "careful", Kind.SWITCH, False, "Careful", "Look twice and follow the edges more exactly; takes some seconds longer."
)
