"""Pasting: something harmonized with the image it is put into."""

from __future__ import annotations

from dataclasses import replace

from .parts import HIGH_QUALITY, LAYER, OPTIONAL_SELECTION
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source
from .style import STYLES

METHOD = Parameter(
    "method", Kind.CHOICE, "auto", "Method", "How light and color are adapted.",
    choices=(("auto", "Automatic"), ("network", "Harmonizer network"), ("poisson", "Seamless cloning (Poisson)"),
             ("mixed", "Mixed gradients (Poisson)"), ("deep", "Deep copy-paste")),
)  # fmt: skip
EDGE = Parameter(
    "edge", Kind.CHOICE, "auto", "Edge",
    "Seamless hides the edge. An object edge is kept without the old background's color. Automatic decides.",
    choices=(("auto", "Automatic"), ("seamless", "Seamless"), ("object", "Keep object edge")),
    choice_aliases=(("seam", "seamless"), ("cutout", "object")),
)  # fmt: skip
OBJECT = replace(EDGE, default="object")
STRENGTH = Parameter(
    "strength", Kind.NUMBER, 100.0, "Strength", "How far light and color are adapted to the image.", 0, 100, unit=" %"
)
SHADOW = Parameter(
    "shadow", Kind.NUMBER, 0.0, "Contact shadow",
    "Darkness where it stands on the ground, on a layer of its own; 0 for none.", 0, 100, unit=" %",
)  # fmt: skip
CAST_SHADOW = Parameter(
    "cast_shadow", Kind.NUMBER, 0.0, "Cast shadow",
    "Opacity of the soft shadow that it throws on the ground, on a layer of its own; 0 for none.", 0, 100, unit=" %",
)  # fmt: skip
SHADOW_DIRECTION = Parameter(
    "shadow_direction", Kind.NUMBER, 30.0, "Shadow direction",
    "Where the cast shadow falls: 0 to the right, 90 away from the viewer, 180 to the left, 270 towards the viewer.",
    0, 360, unit="\u00b0", no_effect_when=(("cast_shadow", 0.0),),
)  # fmt: skip
SHADOW_LENGTH = Parameter(
    "shadow_length", Kind.NUMBER, 80.0, "Shadow length", "Length of the cast shadow, of the object's height.", 5, 400,
    unit=" %", no_effect_when=(("cast_shadow", 0.0),),
)  # fmt: skip
GRAIN = Parameter(
    "grain", Kind.SWITCH, False, "Match background grain", "Give a clean paste the grain of the image around it."
)
LIGHT = (SHADOW, CAST_SHADOW, SHADOW_DIRECTION, SHADOW_LENGTH, GRAIN)
X = Parameter("x", Kind.NUMBER, 50.0, "X position", "Where its center goes, of the image's width.", 0, 100, unit=" %")
Y = Parameter("y", Kind.NUMBER, 90.0, "Y position", "Where its lowest point goes, of the image's height.", 0, 200,
              unit=" %")  # fmt: skip
SIZE = Parameter("size", Kind.NUMBER, 60.0, "Size", "Its height, of the image's height.", 1, 400, unit=" %")

BY_HAND = Parameter(
    "by_hand", Kind.SWITCH, False, "Just cut out, to place by hand",
    "It comes as it is, to be moved and scaled with the editor's own tools; then choose Apply Harmonization.",
)  # fmt: skip
AT_BORDER = Parameter(
    "at_border", Kind.SWITCH, False, "At the border that cuts it off",
    "What the border of its image cuts off is put at the same border of this one.",
)  # fmt: skip
BELOW = (
    Input("source", Source.LAYER, "Pasted layer"), Input("target", Source.BELOW, "Image below"), OPTIONAL_SELECTION
)  # fmt: skip


def _once_harmonized(*parameters: Parameter) -> tuple[Parameter, ...]:
    """The parameters, which do nothing for what is placed by hand first."""
    return tuple(replace(p, no_effect_when=(*p.no_effect_when, ("by_hand", True))) for p in parameters)


PASTE: tuple[Action, ...] = (
    Action(
        name="paste.harmonize",
        menu="Paste",
        label="Harmonize Layer",
        help="Adapt the active layer's light and color to the image below it, and hide its seam.",
        aliases=("paste.blend",),
        one_click=True,
        result=ResultKind.LAYER,
        inputs=BELOW,
        parameters=(METHOD, EDGE, STRENGTH, *LIGHT),
        extent=Extent.OVERLAP,
        margin=0.5,
    ),
    Action(
        name="paste.apply",
        menu="Paste",
        label="Apply Harmonization",
        help="Adapt an object that was placed by hand to the image below it, and give it its shadow; the object as it "
             "was is hidden.",
        one_click=True,
        hides_layer=True,
        result=ResultKind.LAYER,
        inputs=BELOW,
        parameters=(METHOD, OBJECT, STRENGTH, replace(SHADOW, default=40.0), *LIGHT[1:]),
        extent=Extent.OVERLAP,
        margin=0.5,
    ),
    Action(
        name="paste.clone",
        menu="Paste",
        label="Clone from Layer",
        help="Harmonize another layer's content with this one: where it lies, or fitted into the selection.",
        aliases=("paste.from",),
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer to clone from"), OPTIONAL_SELECTION),
        parameters=(METHOD, EDGE, STRENGTH, *LIGHT),
    ),
    Action(
        name="paste.subject",
        menu="Paste",
        label="Composite Subject",
        help="Extract the subject of another layer, put it on this one and harmonize it: in the selection, or at the "
             "position and in the size given.",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer with the subject"), OPTIONAL_SELECTION),
        parameters=(
            *(replace(place, no_effect_when=(("selection", True),)) for place in (X, Y, SIZE)),
            replace(AT_BORDER, no_effect_when=(("selection", True),)), BY_HAND,
            *_once_harmonized(METHOD, OBJECT, STRENGTH, replace(SHADOW, default=40.0), *LIGHT[1:]), HIGH_QUALITY,
        ),
    ),
    Action(
        name="paste.portrait",
        menu="Paste",
        label="Portrait into Painting",
        help="Extract the person from another layer, stylize them like this painting and place them where there is "
             "room.",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer with the person")),
        parameters=(
            Parameter(
                "place", Kind.CHOICE, "empty", "Placement", "Where in the painting the person goes.",
                choices=(("empty", "Automatic"), ("given", "At the position below")),
            ),
            *(replace(place, no_effect_when=(("place", "empty"),)) for place in (X, replace(Y, default=100.0))),
            replace(SIZE, default=45.0),
            Parameter(
                "style", Kind.CHOICE, "painting", "Style", "How the person is painted.",
                choices=(("painting", "As this painting"), ("colors", "Its colors only"), *STYLES),
            ),
            Parameter("palette", Kind.NUMBER, 60.0, "Colors of the painting",
                      "How far the person takes on its palette.", 0, 100, unit=" %"),
            BY_HAND, *_once_harmonized(METHOD, OBJECT, STRENGTH, *LIGHT), HIGH_QUALITY,
        ),
    ),
    Action(
        name="paste.sky",
        menu="Paste",
        label="Replace Sky",
        help="Put the sky of another layer behind what stands before the sky (or behind all but the selection).",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("sky", Source.OTHER, "Layer with the sky"), OPTIONAL_SELECTION),
        parameters=(
            replace(STRENGTH, default=60.0, help="How far light and color are adapted to the new sky."),
            Parameter(
                "horizon", Kind.NUMBER, 0.0, "Horizon",
                "Lower the new sky's horizon by so much of the image's height; negative numbers raise it.", -50, 50,
                unit=" %",
            ),
            Parameter("mirror", Kind.SWITCH, False, "Mirror", "Left and right of the new sky change places."),
            replace(HIGH_QUALITY, no_effect_when=(("selection", True),)),
        ),
    ),
)  # fmt: skip
