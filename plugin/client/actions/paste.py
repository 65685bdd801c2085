"""Pasting: a layer made to belong to the picture below."""

from __future__ import annotations

from .parts import OPTIONAL_SELECTION
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source

PASTE: tuple[Action, ...] = (
    Action(
        name="paste.poisson",
        menu="Paste",
        label="Blend Layer into Picture",
        help="Make the active layer belong to the picture below: its light and colour adapt, its seam disappears.",
        result=ResultKind.LAYER,
        inputs=(
            Input("source", Source.LAYER, "Pasted layer"),
            Input("target", Source.BELOW, "Picture below"),
            OPTIONAL_SELECTION,
        ),
        parameters=(
            Parameter(
                "gradients", Kind.CHOICE, "normal", "Detail",
                "Keep the detail of the pasted layer alone, or the stronger of both (for see-through things, text).",
                choices=(("normal", "Of the pasted layer"), ("mixed", "The stronger of both")),
            ),
        ),
        extent=Extent.OVERLAP,
        margin=0.02,
    ),
)  # fmt: skip
