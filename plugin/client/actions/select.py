"""Selecting: the subject, an object, a class, the background, color clusters."""

from __future__ import annotations

from .parts import (
    EDGE,
    FEATHER,
    GROW,
    HIGH_QUALITY,
    LAYER,
    MODE,
    OPEN_HOLES,
    OPTIONAL_SELECTION,
    SELECTION,
    SENSITIVITY,
    WIDEST_SPOT,
)  # fmt: skip
from .schema import Action, Input, Kind, Parameter, ResultKind, Source

CLASSES = (
    "person", "cat", "dog", "bird", "horse", "cow", "sheep", "car", "bus", "train", "aeroplane", "boat", "bicycle",
    "motorbike", "chair", "sofa", "dining table", "potted plant", "bottle", "television",
)  # fmt: skip
"""The classes that the bundled network tells apart (PASCAL VOC)."""

SELECT: tuple[Action, ...] = (
    Action(
        name="select.subject",
        menu="Select",
        label="Select Subject",
        help="Select the subject of the image: the person, the animal, the thing.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER),
    ),
    Action(
        name="select.object",
        menu="Select",
        label="Select Object",
        help="Select the object that the current selection marks: a dot on it, a box or a loose outline around it.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER, SELECTION),
        parameters=(
            Parameter(
                "method", Kind.CHOICE, "network", "Method", "How the object is told from what is around it.",
                choices=(("network", "Network"), ("grabcut", "GrabCut (colors alone)")),
            ),
            MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.class",
        menu="Select",
        label="Select by Class",
        help="Select all people, all cats, all cars ... of the image.",
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(
            Parameter(
                "class_name", Kind.CHOICE, "largest", "Class", "What to select.",
                choices=(("largest", "Largest"), *((name, name.capitalize()) for name in CLASSES)),
                choice_provider="select.classes", aliases=("kind",),
            ),
            MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.background",
        menu="Select",
        label="Select Background",
        help="Select everything but the subject.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER),
    ),
    Action(
        name="select.objects",
        menu="Select",
        label="Select Found Object",
        help="Select one of the objects found in the image, or all of them; with the mode Add one after the other.",
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(
            Parameter(
                "found", Kind.CHOICE, "all", "Object", "Which of the objects found, the largest first.",
                choices=(("all", "All"), *((str(number), f"Object {number}") for number in range(1, 13))),
                choice_provider="select.objects_found",
            ),
            MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.other_people",
        menu="Select",
        label="Select Other People",
        help="Select all people but the subject: passers-by, to remove them for example.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(MODE, EDGE, HIGH_QUALITY, OPEN_HOLES, GROW, FEATHER),
    ),
    Action(
        name="select.dust",
        menu="Select",
        label="Select Dust and Scratches",
        help="Select the small spots and thin straight lines that lie on smooth parts of the image.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(SENSITIVITY, WIDEST_SPOT, MODE, GROW, FEATHER),
    ),
    Action(
        name="select.sky",
        menu="Select",
        label="Select Sky",
        help="Select the sky, between branches and masts too.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER,),
        parameters=(MODE, EDGE, HIGH_QUALITY, GROW, FEATHER),
    ),
    Action(
        name="select.refine",
        menu="Select",
        label="Refine Selection Edge",
        help="Let the selection's edge follow the image: strands of hair and fur in, background out.",
        one_click=True,
        result=ResultKind.SELECTION,
        inputs=(LAYER, SELECTION),
        parameters=(
            Parameter(
                "width", Kind.NUMBER, 12.0, "Width", "How far the edge may lie from where it is drawn.", 2, 200,
                unit=" px",
            ),
            EDGE, HIGH_QUALITY, GROW, FEATHER,
        ),
    ),
    Action(
        name="select.strokes",
        menu="Select",
        label="Refine with Strokes",
        help="Correct the selection by strokes on a layer of its own: any color but red marks what belongs to it, red "
             "what does not.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, Input("strokes", Source.OTHER, "Layer with the strokes"), OPTIONAL_SELECTION),
        parameters=(EDGE, HIGH_QUALITY, GROW, FEATHER),
    ),
    Action(
        name="select.colors",
        aliases=("select.colours",),  # codespell:ignore
        menu="Select",
        label="Segment by Color (K-Means)",
        help="Divide the image into clusters of similar color and position (K-means) and select the subject's.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(
            Parameter("clusters", Kind.INTEGER, 4, "Clusters", "Into how many clusters the image is divided.", 2, 16),
            Parameter(
                "spatial_weight", Kind.NUMBER, 0.5, "Spatial weight",
                "How much position counts beside color; 0 looks at color alone.", 0, 4, aliases=("position",),
            ),
            Parameter("seed", Kind.INTEGER, 0, "Seed", "Another number gives another clustering.", 0, 2**31 - 1),
            MODE, EDGE, GROW, FEATHER,
        ),
    ),
)  # fmt: skip
