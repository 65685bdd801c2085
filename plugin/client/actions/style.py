"""Styles: a layer, its background or its subject repainted; and the background blurred or made gray."""

from __future__ import annotations

from dataclasses import replace

from .parts import CAREFUL, LAYER, OPTIONAL_SELECTION
from .schema import Action, Input, Kind, Parameter, ResultKind, Source

STYLES = (
    ("wave", "The Great Wave (Hokusai)"), ("starry", "The Starry Night (van Gogh)"),
    ("rhone", "Night over the Rhone (van Gogh)"), ("wheat", "Wheat Field (van Gogh)"),
    ("olives", "Olive Trees (van Gogh)"), ("cafe", "The Night Café (van Gogh)"), ("scream", "The Scream (Munch)"),
    ("lilies", "Water Lilies (Monet)"), ("tahiti", "Tahiti (Gauguin)"), ("hat", "Woman with a Hat (Matisse)"),
    ("mosaic", "Mosaic portrait (Delaunay)"), ("composition", "Composition VII (Kandinsky)"),
    ("udnie", "Udnie (Picabia)"), ("ballet", "Edtaonisl (Picabia)"),
)  # fmt: skip
"""The bundled styles, as `models/zoo/style_presets.py` has them."""

STYLE = Parameter(
    "style", Kind.CHOICE, "wave", "Style", "The painting in whose manner the picture is repainted.", choices=STYLES,
    offered_by="style.previews",
)  # fmt: skip
STRENGTH = Parameter(
    "strength", Kind.NUMBER, 100.0, "Strength", "From the photograph as it is to the style in full.", 0, 100, unit=" %"
)
SECOND = Parameter(
    "second", Kind.CHOICE, "none", "Blend with", "A second painting, mixed into the style.",
    choices=(("none", "None"), *STYLES),
)  # fmt: skip
BLEND = Parameter(
    "blend", Kind.NUMBER, 50.0, "Share of the second", "How much of the mixture is the second painting.", 0, 100,
    unit=" %",
)  # fmt: skip
STROKE = Parameter(
    "stroke", Kind.NUMBER, 100.0, "Stroke size",
    "Larger strokes are painted on a smaller copy: 200 % at half the layer's resolution.", 50, 800, unit=" %",
)  # fmt: skip
COLORS = Parameter(
    "keep_colors", Kind.SWITCH, False, "Keep the colors", "Light and dark are the style's, colors the layer's."
)
REGION = Parameter(
    "region", Kind.CHOICE, "whole", "Region", "Which part of the layer is repainted.",
    choices=(("whole", "Whole layer"), ("background", "Background only"), ("subject", "Subject only"),
             ("selection", "Selection")),
)  # fmt: skip
MANNER = (STYLE, STRENGTH, SECOND, BLEND, STROKE, COLORS)

OTHER_STYLE = Input("style", Source.OTHER, "Style")
OWN = Parameter("name", Kind.TEXT, "", "Own style", "The name of a style of yours (`inlay train-style --list`).")
TRAINING = (
    Parameter("name", Kind.TEXT, "", "Name", "What the style is called: small letters, digits and dashes."),
    Parameter(
        "what", Kind.CHOICE, "begin", "Do",
        "The training goes on beside your work, for minutes or hours, and can be paused.",
        choices=(("begin", "Begin the training"), ("status", "Say how far it is"), ("pause", "Pause it"),
                 ("resume", "Go on with it"), ("remove", "Forget it")),
    ),
    Parameter("photos", Kind.TEXT, "", "Photographs", "A folder with at least 20 photographs of any kind."),
    Parameter("steps", Kind.INTEGER, 400, "Steps", "More steps come closer to the painting.", 1, 20000),
)  # fmt: skip
PAINTING = (
    Parameter(
        "strength", Kind.NUMBER, 100.0, "Strength", "How much the strokes count beside what the layer shows.", 0, 1000,
        unit=" %",
    ),
    Parameter("steps", Kind.INTEGER, 300, "Steps", "More steps come closer to the style.", 1, 5000),
    Parameter(
        "size", Kind.INTEGER, 768, "Size",
        "Longer side at which it is painted; a larger layer keeps its own finest detail.", 64, 4096, unit=" px",
    ),
    Parameter(
        "start", Kind.CHOICE, "content", "Start", "What is painted over.",
        choices=(("content", "The layer"), ("noise", "Noise"), ("kept", "Where it was cancelled a moment ago")),
    ),
    Parameter(
        "limit", Kind.NUMBER, 0.0, "At most", "Stop after so long with the best so far; 0 sets no limit.", 0, 86400,
        unit=" s",
    ),
    Parameter(
        "stroke", Kind.NUMBER, 100.0, "Stroke size", "Of the style's strokes, beside the size they have in its layer.",
        25, 400, unit=" %",
    ),
)  # fmt: skip

BLUR = Parameter(
    "strength", Kind.NUMBER, 40.0, "Strength", "How far out of focus; 100 is a disc of 6 % of the longer side.", 0, 100,
    unit=" %",
)  # fmt: skip


def _look(part: str, label: str) -> tuple[Parameter, ...]:
    return (
        Parameter(f"{part}_light", Kind.NUMBER, 0.0, f"{label}: light", "Brighter or darker, in stops.", -3, 3),
        Parameter(f"{part}_color", Kind.NUMBER, 0.0, f"{label}: color", "Less or more; -100 is gray.", -100, 100),
        Parameter(f"{part}_warmth", Kind.NUMBER, 0.0, f"{label}: warmth", "Warmer or cooler.", -100, 100),
    )


BACKGROUND, SUBJECT = _look("background", "Background"), _look("subject", "Subject")
GRAY = tuple(replace(p, default=-100.0) if p.name == "background_color" else p for p in BACKGROUND)

STYLIZE: tuple[Action, ...] = (
    Action(
        name="style.preset",
        menu="Style",
        label="Stylize",
        help="Repaint the layer, or a part of it, in the manner of a painting.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*MANNER, REGION, CAREFUL),
    ),
    Action(
        name="style.background",
        menu="Style",
        label="Stylize Background",
        help="Repaint everything but the subject (or but the selection, where there is one).",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*MANNER, CAREFUL),
    ),
    Action(
        name="style.subject",
        menu="Style",
        label="Stylize Portrait",
        help="Repaint the subject alone, a person above all (or what is selected).",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*MANNER, CAREFUL),
    ),
    Action(
        name="style.picture",
        menu="Style",
        label="Stylize as a Layer",
        help="Repaint the layer, or a part of it, in the manner of another layer, at once.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OTHER_STYLE, OPTIONAL_SELECTION),
        parameters=(STRENGTH, STROKE, COLORS, REGION, CAREFUL),
    ),
    Action(
        name="style.gatys",
        menu="Style",
        label="Paint in the Style of a Layer",
        help="Paint the layer, or a part of it, step by step in the manner of another layer. Takes a minute or more.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OTHER_STYLE, OPTIONAL_SELECTION),
        parameters=(*PAINTING, COLORS, REGION, CAREFUL),
        watched=True,
    ),
    Action(
        name="style.own",
        menu="Style",
        label="Stylize with an Own Style",
        help="Repaint the layer, or a part of it, in a style that you have trained from a painting.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(OWN, STRENGTH, STROKE, COLORS, REGION, CAREFUL),
    ),
    Action(
        name="style.train",
        menu="Style",
        label="Train a Style",
        help="Learn a style of your own from a painting, which is this layer; see how far it is, pause it, go on.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        parameters=TRAINING,
    ),
    Action(
        name="style.previews",
        menu="Diagnose",
        label="Small Pictures of the Styles",
        help="The layer, small, in each of the styles.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="background.blur",
        menu="Style",
        label="Blur Background",
        help="Put the background out of focus as a lens does; the subject (or what is selected) stays sharp.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(BLUR, *BACKGROUND, *SUBJECT, CAREFUL),
    ),
    Action(
        name="background.gray",
        menu="Style",
        label="Black-and-White Background",
        help="Leave color to the subject (or to what is selected); light and color of both parts can be changed.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*GRAY, *SUBJECT, CAREFUL),
    ),
)  # fmt: skip
