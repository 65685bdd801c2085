"""Styles: a layer, its background or its subject repainted; and the background blurred or made gray."""

from __future__ import annotations

from dataclasses import replace

from .parts import HIGH_QUALITY, LAYER, OPTIONAL_SELECTION
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


def painting(style: str) -> str:
    """What a layer in a bundled style is called: the painting without its article and its painter."""
    return dict(STYLES)[style].partition(" (")[0].removeprefix("The ")


STYLE = Parameter(
    "style", Kind.CHOICE, "wave", "Style", "The painting whose style the image is repainted in.", choices=STYLES,
    choice_provider="style.previews",
)  # fmt: skip
STRENGTH = Parameter(
    "strength", Kind.NUMBER, 100.0, "Strength", "From the photograph as it is to the style in full.", 0, 100, unit=" %"
)
SECOND = Parameter(
    "second_style", Kind.CHOICE, "none", "Second style", "A second painting, mixed into the style.",
    choices=(("none", "None"), *STYLES), aliases=("second",),
)  # fmt: skip
MIX = Parameter(
    "mix", Kind.NUMBER, 50.0, "Mix", "How much of the mixture is the second style.", 0, 100, unit=" %",
    aliases=("blend",), no_effect_when=(("second_style", "none"),),
)  # fmt: skip
STROKE = Parameter(
    "stroke", Kind.NUMBER, 100.0, "Stroke size",
    "Larger strokes are painted on a smaller copy: 200 % at half the layer's resolution.", 50, 800, unit=" %",
)  # fmt: skip
STROKE_UNIT = Parameter(
    "stroke_unit", Kind.CHOICE, "image", "Stroke unit",
    "Relative to the image, strokes look the same at every resolution; in pixels they are finer in larger images.",
    choices=(("image", "Relative to the image"), ("pixels", "In pixels")),
)  # fmt: skip
TONES = Parameter(
    "preserve_tones", Kind.NUMBER, 70.0, "Preserve tones",
    "How far large light and dark areas stay as they are: white stays light, night stays dark.", 0, 100, unit=" %",
)  # fmt: skip
COLORS = Parameter(
    "keep_colors", Kind.SWITCH, False, "Keep the colors", "Light and dark are the style's, colors the layer's.",
    aliases=("keep_colours",),  # codespell:ignore
)  # fmt: skip
REGION = Parameter(
    "region", Kind.CHOICE, "whole", "Region", "Which part of the layer is repainted.",
    choices=(("whole", "Whole layer"), ("background", "Background only"), ("subject", "Subject only"),
             ("selection", "Selection")),
)  # fmt: skip
TWO_STYLES = (STYLE, STRENGTH, SECOND, MIX, STROKE, STROKE_UNIT, TONES, COLORS)

OTHER_STYLE = Input("style", Source.OTHER, "Style")
CUSTOM = Parameter(
    "name", Kind.TEXT, "", "Custom style", "One of the styles that you have trained (`inlay train-style --list`).",
    choice_provider="style.customs",
)  # fmt: skip
NOT_BEGUN = tuple(("command", command) for command in ("status", "pause", "resume", "remove"))
TRAINED = Parameter("name", Kind.TEXT, "", "Name", "What the style is called.")
TRAINING = (
    TRAINED,
    Parameter(
        "command", Kind.CHOICE, "begin", "Command",
        "The training goes on beside your work, for minutes or hours, and can be paused.",
        choices=(("begin", "Start the training"), ("status", "Show its progress"), ("pause", "Pause it"),
                 ("resume", "Resume it"), ("remove", "Delete it")),
        aliases=("what",),
    ),
    Parameter("photos", Kind.FOLDER, "", "Photographs", "A folder with at least 20 photographs of any kind.",
              no_effect_when=NOT_BEGUN),
    Parameter("steps", Kind.INTEGER, 400, "Steps", "More steps come closer to the painting.", 1, 20000,
              no_effect_when=NOT_BEGUN),
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
        choices=(("content", "The layer"), ("noise", "Noise"), ("kept", "Where the last run was cancelled")),
    ),
    Parameter(
        "limit", Kind.NUMBER, 0.0, "Time limit", "Stop after so long with the best so far; 0 sets no limit.", 0, 86400,
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


def _tone(part: str, label: str) -> tuple[Parameter, ...]:
    return (
        Parameter(
            f"{part}_exposure", Kind.NUMBER, 0.0, f"{label}: exposure", "Brighter or darker.", -3, 3, unit=" EV",
            aliases=(f"{part}_light",),
        ),
        Parameter(
            f"{part}_saturation", Kind.NUMBER, 0.0, f"{label}: saturation", "Less or more; -100 is gray.", -100, 100,
            aliases=(f"{part}_color", f"{part}_colour"),  # codespell:ignore
        ),
        Parameter(
            f"{part}_temperature", Kind.NUMBER, 0.0, f"{label}: temperature", "Warmer or cooler.", -100, 100,
            aliases=(f"{part}_warmth",),
        ),
    )  # fmt: skip


BACKGROUND, SUBJECT = _tone("background", "Background"), _tone("subject", "Subject")
GRAY = tuple(replace(p, default=-100.0) if p.name == "background_saturation" else p for p in BACKGROUND)

STYLIZE: tuple[Action, ...] = (
    Action(
        name="style.preset",
        menu="Style",
        label="Stylize",
        help="Repaint the layer, or a part of it, in the style of a painting.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*TWO_STYLES, REGION, HIGH_QUALITY),
    ),
    Action(
        name="style.background",
        menu="Style",
        label="Stylize Background",
        help="Repaint everything but the subject (or but the selection, where there is one).",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*TWO_STYLES, HIGH_QUALITY),
    ),
    Action(
        name="style.subject",
        menu="Style",
        label="Stylize Portrait",
        help="Repaint the subject alone, a person above all (or what is selected).",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*TWO_STYLES, HIGH_QUALITY),
    ),
    Action(
        name="style.layer",
        menu="Style",
        label="Stylize from Layer",
        help="Repaint the layer, or a part of it, in the style of another layer, in one pass.",
        aliases=("style.picture",),
        result=ResultKind.LAYER,
        inputs=(LAYER, OTHER_STYLE, OPTIONAL_SELECTION),
        parameters=(STRENGTH, STROKE, STROKE_UNIT, TONES, COLORS, REGION, HIGH_QUALITY),
    ),
    Action(
        name="style.gatys",
        menu="Style",
        label="Stylize from Layer (Iterative)",
        help="Repaint the layer, or a part of it, step by step in the style of another layer. Takes a minute or more.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OTHER_STYLE, OPTIONAL_SELECTION),
        parameters=(*PAINTING, TONES, COLORS, REGION, HIGH_QUALITY),
        watched=True,
    ),
    Action(
        name="style.custom",
        menu="Style",
        label="Stylize with Custom Style",
        help="Repaint the layer, or a part of it, in a style that you have trained from a painting.",
        aliases=("style.own",),
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(CUSTOM, STRENGTH, STROKE, STROKE_UNIT, TONES, COLORS, REGION, HIGH_QUALITY),
    ),
    Action(
        name="style.train",
        menu="Style",
        label="Train Custom Style",
        help="Train a custom style on a painting, which is this layer; show its progress, pause it, resume it.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        parameters=TRAINING,
    ),
    Action(
        name="style.previews",
        menu="Diagnose",
        label="Style Thumbnails",
        help="A thumbnail of the layer in each of the styles.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="style.customs",
        menu="Diagnose",
        label="Custom Style Thumbnails",
        help="A thumbnail of the layer in each of the custom styles.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="style.training",
        menu="Diagnose",
        label="Progress of a Training",
        help="How far the training of a custom style is.",
        result=ResultKind.LAYER,
        inputs=(),
        parameters=(TRAINED,),
        hidden=True,
    ),
    Action(
        name="background.blur",
        menu="Style",
        label="Blur Background",
        help="Put the background out of focus as a lens does; the subject (or what is selected) stays sharp.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(BLUR, *BACKGROUND, *SUBJECT, HIGH_QUALITY),
    ),
    Action(
        name="background.gray",
        aliases=("background.grey",),  # codespell:ignore
        menu="Style",
        label="Black-and-White Background",
        help="Leave color to the subject (or to what is selected); light and color of both parts can be changed.",
        result=ResultKind.LAYER,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(*GRAY, *SUBJECT, HIGH_QUALITY),
    ),
)  # fmt: skip
