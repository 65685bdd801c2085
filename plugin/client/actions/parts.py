"""Inputs and parameters that several actions share."""

from __future__ import annotations

from .schema import Input, Kind, Parameter, Source

LAYER = Input("image", Source.LAYER, "Layer")
VISIBLE = Input("image", Source.VISIBLE, "Layer")
SELECTION = Input("selection", Source.SELECTION, "Selection")
OPTIONAL_SELECTION = Input("selection", Source.SELECTION, "Selection", required=False)

MODE = Parameter(
    "mode", Kind.CHOICE, "replace", "Mode", "How the result is combined with the current selection.",
    choices=(("replace", "Replace"), ("add", "Add"), ("subtract", "Subtract"), ("intersect", "Intersect")),
    aliases=("combine",),
)  # fmt: skip
GROW = Parameter(
    "grow", Kind.INTEGER, 0, "Grow", "Widen the result by so many pixels; negative numbers shrink it.", -200, 200,
    unit=" px",
)  # fmt: skip
EDGE = Parameter(
    "edge", Kind.CHOICE, "soft", "Edge", "Soft edges follow the image's own; hard ones are crisp.",
    choices=(("soft", "Soft"), ("hard", "Hard")),
)  # fmt: skip
FEATHER = Parameter(
    "feather", Kind.NUMBER, 0.0, "Feather", "Soften the edge of the result over so many pixels.", 0, 200, unit=" px"
)

OPEN_HOLES = Parameter(
    "open_holes", Kind.CHOICE, "auto", "Open holes",
    "Whether the background that is seen through a hole, of a ring for example, is left out.",
    choices=(("auto", "Automatic: where it is sure"), ("on", "On: by color alone"), ("off", "Off")),
)  # fmt: skip
HIGH_QUALITY = Parameter(
    "high_quality", Kind.SWITCH, False, "High quality",
    "Run the network twice and follow the edges more exactly; takes some seconds longer.", aliases=("careful",),
)  # fmt: skip

SENSITIVITY = Parameter(
    "sensitivity", Kind.INTEGER, 50, "Sensitivity", "Higher finds fainter ones, and more that is none.", 0, 100,
    unit=" %",
)  # fmt: skip
WIDEST_SPOT = Parameter(
    "widest", Kind.INTEGER, 12, "Widest spot", "Spots that are wider are left alone.", 2, 40, unit=" px"
)
