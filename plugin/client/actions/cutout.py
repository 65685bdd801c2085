"""Cutting out: the background gone, or the subject on a layer of its own."""

from __future__ import annotations

from dataclasses import replace

from .parts import EDGE, HIGH_QUALITY, LAYER, OPEN_HOLES, OPTIONAL_SELECTION
from .schema import Action, Kind, Parameter, ResultKind

KEEP_HIDDEN = Parameter(
    "keep_hidden", Kind.SWITCH, False, "Keep hidden colors",
    "Leave the colors of what becomes transparent, so that they can be brought back; else they are cleared.",
)  # fmt: skip
DESPILL = Parameter(
    "despill", Kind.CHOICE, "auto", "Despill", "Take the light of a green or blue screen off the edge.",
    choices=(("auto", "Automatic: before a screen"), ("off", "Off")),
)  # fmt: skip

CUTOUT: tuple[Action, ...] = (
    Action(
        name="cutout.background",
        menu="Cut Out",
        label="Remove Background",
        help="Make everything but the subject (or but the selection, where there is one) transparent.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(
            Parameter(
                "as", Kind.CHOICE, "layer", "Result", "A new layer with clean edges, or a mask on this one.",
                choices=(("layer", "New layer"), ("mask", "Layer mask")),
            ),
            EDGE, HIGH_QUALITY, OPEN_HOLES,
            *(replace(color, no_effect_when=(("as", "mask"),)) for color in (DESPILL, KEEP_HIDDEN)),
        ),
        mask_when=("as", "mask"),
        one_click=True,
    ),
    Action(
        name="cutout.subject",
        menu="Cut Out",
        label="Extract Subject to Layer",
        help="Put the subject (or what is selected) on a new layer, its edge free of the old background.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(EDGE, HIGH_QUALITY, OPEN_HOLES, DESPILL, KEEP_HIDDEN),
        one_click=True,
    ),
)  # fmt: skip
