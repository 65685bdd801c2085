"""Cutting out: the background gone, or the subject on a layer of its own."""

from __future__ import annotations

from .parts import CAREFUL, EDGE, LAYER, OPTIONAL_SELECTION
from .schema import Action, Kind, Parameter, ResultKind

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
            EDGE, CAREFUL,
        ),
        mask_when=("as", "mask"),
    ),
    Action(
        name="cutout.subject",
        menu="Cut Out",
        label="Cut Out Subject",
        help="Put the subject (or what is selected) on a new layer, its edge free of the old background.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(EDGE, CAREFUL),
    ),
)  # fmt: skip
