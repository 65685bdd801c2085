"""Selecting: the subject, an object, a kind, the background, groups of color."""

from __future__ import annotations

from .parts import CAREFUL, COMBINE, EDGE, FEATHER, GROW, LAYER, OPTIONAL_SELECTION, SELECTION
from .schema import Action, Kind, Parameter, ResultKind

CLASSES = (
    "person", "cat", "dog", "bird", "horse", "cow", "sheep", "car", "bus", "train", "aeroplane", "boat", "bicycle",
    "motorbike", "chair", "sofa", "dining table", "potted plant", "bottle", "television",
)  # fmt: skip
"""The kinds of things that the bundled network tells apart (PASCAL VOC)."""

SELECT: tuple[Action, ...] = (
    Action(
        name="select.subject",
        menu="Select",
        label="Select Subject",
        help="Select what the picture is about: the person, the animal, the thing.",
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(COMBINE, EDGE, CAREFUL, GROW, FEATHER),
    ),
    Action(
        name="select.object",
        menu="Select",
        label="Select Object",
        help="Select the object that the current selection means: a dot on it, a box or a loose outline around it.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, SELECTION),
        parameters=(
            Parameter(
                "method", Kind.CHOICE, "network", "Method", "How the object is told from what is around it.",
                choices=(("network", "Network"), ("grabcut", "GrabCut (colors alone)")),
            ),
            COMBINE, EDGE, CAREFUL, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.class",
        menu="Select",
        label="Select by Kind",
        help="Select all people, all cats, all cars ... of the picture.",
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(
            Parameter(
                "kind", Kind.CHOICE, "largest", "Kind", "What to select.",
                choices=(("largest", "Whatever is largest"), *((name, name.capitalize()) for name in CLASSES)),
                offered_by="select.kinds",
            ),
            COMBINE, EDGE, CAREFUL, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.background",
        menu="Select",
        label="Select Background",
        help="Select everything but the subject.",
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(COMBINE, EDGE, CAREFUL, GROW, FEATHER),
    ),
    Action(
        name="select.refine",
        menu="Select",
        label="Refine Edge of Selection",
        help="Let the selection's edge follow the picture: strands of hair and fur in, background out.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, SELECTION),
        parameters=(
            Parameter(
                "width", Kind.NUMBER, 12.0, "Width", "How far the edge may lie from where it is drawn.", 2, 200,
                unit=" px",
            ),
            EDGE, CAREFUL, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.colors",
        menu="Select",
        label="Select by Color Groups",
        help="Divide the picture into groups of similar color and place (K-means) and select the subject's.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(
            Parameter("clusters", Kind.INTEGER, 4, "Groups", "Into how many groups the picture is divided.", 2, 16),
            Parameter(
                "position", Kind.NUMBER, 0.5, "Weight of place",
                "How much nearness counts beside color; 0 looks at color alone.", 0, 4,
            ),
            Parameter("seed", Kind.INTEGER, 0, "Seed", "Another number gives another division.", 0, 2**31 - 1),
            COMBINE, EDGE, GROW, FEATHER,
        ),
    ),
)  # fmt: skip
