"""Pasting: something made to belong to the picture it is put into."""

from __future__ import annotations

from dataclasses import replace

from .parts import CAREFUL, LAYER, OPTIONAL_SELECTION
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source
from .style import STYLES

METHOD = Parameter(
    "method", Kind.CHOICE, "auto", "Method", "How light and color are adapted.",
    choices=(("auto", "The best there is"), ("deep", "Network, seam as it comes"), ("poisson", "Poisson cloning"),
             ("mixed", "Poisson, the stronger detail of both")),
)  # fmt: skip
EDGE = Parameter(
    "edge", Kind.CHOICE, "seam", "Edge",
    "A patch loses its seam. An object keeps an edge of its own, freed of its old background's color.",
    choices=(("seam", "A patch: let the seam vanish"), ("cutout", "An object: keep its edge")),
)  # fmt: skip
OBJECT = replace(EDGE, default="cutout")
STRENGTH = Parameter(
    "strength", Kind.NUMBER, 100.0, "Strength", "How far light and color go along with the picture.", 0, 100, unit=" %"
)
SHADOW = Parameter(
    "shadow", Kind.NUMBER, 0.0, "Contact shadow",
    "Darkness where it stands on the ground, on a layer of its own; 0 for none.", 0, 100, unit=" %",
)  # fmt: skip
X = Parameter("x", Kind.NUMBER, 50.0, "Across", "Where its middle goes, of the picture's width.", 0, 100, unit=" %")
Y = Parameter("y", Kind.NUMBER, 90.0, "Down", "Where its lowest point goes, of the picture's height.", 0, 200,
              unit=" %")  # fmt: skip
SIZE = Parameter("size", Kind.NUMBER, 60.0, "Height", "Its height, of the picture's height.", 1, 400, unit=" %")

PASTE: tuple[Action, ...] = (
    Action(
        name="paste.blend",
        menu="Paste",
        label="Blend Layer into Picture",
        help="Make the active layer belong to the picture below: its light and color adapt, its seam disappears.",
        result=ResultKind.LAYER,
        inputs=(
            Input("source", Source.LAYER, "Pasted layer"),
            Input("target", Source.BELOW, "Picture below"),
            OPTIONAL_SELECTION,
        ),
        parameters=(METHOD, EDGE, STRENGTH, SHADOW),
        extent=Extent.OVERLAP,
        margin=0.5,
    ),
    Action(
        name="paste.from",
        menu="Paste",
        label="Paste from Layer",
        help="Blend what another layer holds into this one: where it lies, or fitted into the selection.",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer to paste from"), OPTIONAL_SELECTION),
        parameters=(METHOD, EDGE, STRENGTH, SHADOW),
    ),
    Action(
        name="paste.subject",
        menu="Paste",
        label="Place Subject on this Picture",
        help="Cut the subject out of another layer and put it on this one, in its light and color: in the selection, "
             "or at the place and in the size given.",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer with the subject"), OPTIONAL_SELECTION),
        parameters=(X, Y, SIZE, METHOD, OBJECT, STRENGTH, replace(SHADOW, default=40.0), CAREFUL),
    ),
    Action(
        name="paste.portrait",
        menu="Paste",
        label="Portrait into Painting",
        help="Cut the person out of another layer, paint them in the manner of this painting and place them where "
             "there is room.",
        result=ResultKind.LAYER,
        inputs=(LAYER, Input("source", Source.OTHER, "Layer with the person")),
        parameters=(
            Parameter(
                "place", Kind.CHOICE, "empty", "Place", "Where in the painting the person goes.",
                choices=(("empty", "Where it hides least"), ("given", "As said below")),
            ),
            X, replace(Y, default=100.0), replace(SIZE, default=45.0),
            Parameter(
                "style", Kind.CHOICE, "painting", "Manner", "How the person is painted.",
                choices=(("painting", "As this painting"), ("colors", "In its colors alone"), *STYLES),
            ),
            Parameter("palette", Kind.NUMBER, 60.0, "Painting's colors", "How far the person takes on the palette.", 0,
                      100, unit=" %"),
            METHOD, OBJECT, STRENGTH, SHADOW, CAREFUL,
        ),
    ),
)  # fmt: skip
