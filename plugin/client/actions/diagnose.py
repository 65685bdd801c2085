"""Entries outside the menus: previews for dialogs, and a look at the connection."""

from __future__ import annotations

from .parts import LAYER, VISIBLE
from .schema import Action, Kind, Parameter, ResultKind

DIAGNOSE: tuple[Action, ...] = (
    Action(
        name="select.classes",
        menu="Diagnose",
        label="List Classes",
        help="Thumbnails of the classes found in the image, each with its share of the area.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="select.objects_found",
        menu="Diagnose",
        label="List Objects",
        help="Thumbnails of the objects found in the image, each with its class and its share of the area.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="fill.objects_found",
        menu="Diagnose",
        label="List Small Objects",
        help="Thumbnails of the small objects that stand apart from the subject, each with its share of the area.",
        result=ResultKind.LAYER,
        inputs=(VISIBLE,),
        hidden=True,
    ),
    Action(
        name="diagnose.identity",
        menu="Diagnose",
        label="Round Trip",
        help="Send the layer to the backend and put it back as a new layer, to check the connection.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        parameters=(
            Parameter("seconds", Kind.NUMBER, 0.0, "Wait", "Keep the job running so long before it answers.", 0, 600,
                      unit=" s"),
            Parameter(
                "fault", Kind.CHOICE, "none", "Fault", "Let the job go wrong in this way once the wait is over.",
                choices=(("none", "None"), ("error", "An error in the program"), ("hang", "Never answer"),
                         ("busy", "Look for no cancel"),
                         ("crash", "End the worker"), ("memory", "Ask for too much memory"),
                         ("tight", "Ask for too much memory at first")),
            ),
        ),
        hidden=True,
    ),
)  # fmt: skip
