"""The table of actions: what a person can ask Inlay to do.

Everything that depends on what actions exist is made from this table: the editors' menus and dialogs, the command
line's options, the backend's validation, the table in docs/actions.md. A new action is one entry here and one
function in `backend/operations/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

Value = bool | int | float | str


class Source(str, Enum):
    """Where an editor takes an input from."""

    LAYER = "layer"  # the active layer's own pixels
    BELOW = "below"  # what is seen of the picture below the active layer
    SELECTION = "selection"  # the current selection, grey, 0 outside .. full inside
    OTHER = "other"  # a layer the person picks in the dialog


class Extent(str, Enum):
    """How much of the picture an action needs to see; only that much travels."""

    LAYER = "layer"  # the whole active layer
    SELECTION = "selection"  # the selection's bounding box with `Action.margin` around it
    OVERLAP = "overlap"  # the active layer's visible bounding box with `Action.margin` around it


class ResultKind(str, Enum):
    """What comes back. Every output of one job has one of these."""

    SELECTION = "selection"  # grey raster; combined with the current selection as the person chose
    LAYER = "layer"  # a new layer above the active one
    LAYER_MASK = "layer mask"  # grey raster; becomes the mask of the active layer


class Kind(str, Enum):
    """The type of a parameter."""

    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Input:
    """A picture an action works on. A missing input that is not required is left out of the job."""

    name: str
    source: Source
    label: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting of an action, with all that a dialog, a command line or a validator needs to know of it."""

    name: str
    kind: Kind
    default: Value
    label: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()  # (value, label)
    unit: str = ""
    offered_by: str = ""  # a hidden action whose outputs, named "CHOICE: ...", show which choices fit a picture

    def check(self, value: object) -> Value:
        """`value` in this parameter's type. Raises ValueError, naming what would be right, when it does not fit."""
        if self.kind is Kind.SWITCH:
            if isinstance(value, bool):
                return value
            raise ValueError(f"{self.name} must be true or false, not {value!r}")
        if self.kind in (Kind.INTEGER, Kind.NUMBER):
            whole = self.kind is Kind.INTEGER
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise ValueError(f"{self.name} must be a {'whole ' if whole else ''}number, not {value!r}")
            low, high = self.minimum, self.maximum
            if not ((low is None or value >= low) and (high is None or value <= high)):  # also refuses NaN
                raise ValueError(f"{self.name} must be between {low:g} and {high:g}{self.unit}, not {value}")
            return value if whole else float(value)
        if not isinstance(value, str):
            raise ValueError(f"{self.name} must be text, not {value!r}")
        if self.kind is Kind.CHOICE and value not in dict(self.choices):
            raise ValueError(f"{self.name} must be one of {', '.join(dict(self.choices))}, not {value!r}")
        if len(value) > 4096:
            raise ValueError(f"{self.name} is {len(value)} characters long; at most 4096 are taken")
        return value


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can ask for."""

    name: str  # "select.object": also the operation's name and, dots as dashes, the GIMP procedure's
    menu: str  # submenu below Inlay, empty for the top
    label: str
    help: str
    result: ResultKind
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...] = ()
    extent: Extent = Extent.LAYER
    margin: float = 0.0  # of the box's longer side
    border: int = 0  # of a selection's margin, in pixels, at least
    whole_when: tuple[str, Value] | None = None  # a parameter, and its value for which the whole layer is needed
    hidden: bool = False  # not in the menus: for diagnosis and scripts
    deadline: float = 120.0  # seconds without any progress after which the job is given up

    def check(self, values: dict[str, object]) -> dict[str, Value]:
        """Defaults completed with `values`, each checked. Raises ValueError on an unknown name or a bad value."""
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                raise ValueError(f"{self.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}")
        return {p.name: p.check(values.get(p.name, p.default)) for p in self.parameters}

    def suited(self, values: Mapping[str, Value]) -> Action:
        """The action with the extent that it needs for these values."""
        if self.whole_when is not None and values.get(self.whole_when[0]) == self.whole_when[1]:
            return replace(self, extent=Extent.LAYER)
        return self

    @property
    def procedure(self) -> str:
        """Name in GIMP's procedural database, and of the Krita action."""
        return "inlay-" + self.name.replace(".", "-").replace("_", "-")


LAYER = Input("image", Source.LAYER, "Layer")
SELECTION = Input("selection", Source.SELECTION, "Selection")
OPTIONAL_SELECTION = Input("selection", Source.SELECTION, "Selection", required=False)

COMBINE = Parameter(
    "combine", Kind.CHOICE, "replace", "Combine", "How the result joins the current selection.",
    choices=(("replace", "Replace"), ("add", "Add"), ("subtract", "Subtract"), ("intersect", "Intersect")),
)  # fmt: skip
GROW = Parameter(
    "grow", Kind.INTEGER, 0, "Grow", "Widen the result by so many pixels; negative numbers shrink it.", -200, 200,
    unit=" px",
)  # fmt: skip
EDGE = Parameter(
    "edge", Kind.CHOICE, "soft", "Edge", "Soft edges follow the picture's own; hard ones are crisp.",
    choices=(("soft", "Soft"), ("hard", "Hard")),
)  # fmt: skip
FEATHER = Parameter(
    "feather", Kind.NUMBER, 0.0, "Feather", "Soften the edge of the result over so many pixels.", 0, 200, unit=" px"
)

CAREFUL = Parameter(
    "careful", Kind.SWITCH, False, "Careful", "Look twice and follow the edges more exactly; takes some seconds longer."
)
CLASSES = (
    "person", "cat", "dog", "bird", "horse", "cow", "sheep", "car", "bus", "train", "aeroplane", "boat", "bicycle",
    "motorbike", "chair", "sofa", "dining table", "potted plant", "bottle", "television",
)  # fmt: skip
"""The kinds of things that the bundled network tells apart (PASCAL VOC)."""

FILL = (
    Parameter(
        "method", Kind.CHOICE, "auto", "Method", "How the hole is filled.",
        choices=(("auto", "The best there is"), ("patches", "Patches of the surroundings")),
    ),
    Parameter(
        "grow", Kind.INTEGER, 4, "Grow", "Widen the hole by so many pixels, so that no rim of what was there is left.",
        0, 200, unit=" px",
    ),
    Parameter(
        "feather", Kind.NUMBER, 2.0, "Feather", "Soften the edge of the fill inwards over so many pixels.", 0, 100,
        unit=" px",
    ),
    Parameter(
        "area", Kind.CHOICE, "around", "Sampling area", "Where the fill may be taken from.",
        choices=(("around", "Around the hole"), ("everywhere", "The whole layer")),
    ),
    Parameter(
        "reach", Kind.INTEGER, 100, "Width around the hole",
        "How far around the hole the fill may be taken from, of the hole's longer side.", 10, 150, unit=" %",
    ),
    Parameter("seed", Kind.INTEGER, 0, "Seed", "Another number gives another fill.", 0, 2**31 - 8),
    Parameter("variants", Kind.INTEGER, 1, "Variants", "So many different fills, each on a layer of its own.", 1, 4),
)  # fmt: skip
SAMPLING = Input("source", Source.OTHER, "Take only from where this is painted", required=False)

ACTIONS: tuple[Action, ...] = (
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
                choices=(("network", "Network"), ("grabcut", "GrabCut (colours alone)")),
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
        name="select.colours",
        menu="Select",
        label="Select by Colour Groups",
        help="Divide the picture into groups of similar colour and place (K-means) and select the subject's.",
        result=ResultKind.SELECTION,
        inputs=(LAYER, OPTIONAL_SELECTION),
        parameters=(
            Parameter("clusters", Kind.INTEGER, 4, "Groups", "Into how many groups the picture is divided.", 2, 16),
            Parameter(
                "position", Kind.NUMBER, 0.5, "Weight of place",
                "How much nearness counts beside colour; 0 looks at colour alone.", 0, 4,
            ),
            Parameter("seed", Kind.INTEGER, 0, "Seed", "Another number gives another division.", 0, 2**31 - 1),
            COMBINE, EDGE, GROW, FEATHER,
        ),
    ),
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
    Action(
        name="fill.selection",
        menu="Fill",
        label="Fill Selection",
        help="Replace what is selected by what is around it, so that it looks as if it had never been there.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SELECTION, SAMPLING),
        parameters=FILL,
        extent=Extent.SELECTION,
        margin=1.6,
        border=264,  # the widest growth, and 64 px to take patches from
        whole_when=("area", "everywhere"),
    ),
    Action(
        name="fill.subject",
        menu="Fill",
        label="Erase Subject",
        help="Find what the picture is about, a person, an animal, a thing, and fill its place with what is around it.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SAMPLING),
        parameters=FILL,
    ),
    Action(
        name="fill.object",
        menu="Fill",
        label="Erase Object",
        help="Erase the object that the selection means: a dot on it, a box or a loose outline around it.",
        result=ResultKind.LAYER,
        inputs=(LAYER, SELECTION, SAMPLING),
        parameters=FILL,
    ),
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
    Action(
        name="select.kinds",
        menu="Diagnose",
        label="List Kinds",
        help="Small pictures of the kinds of things that the picture holds, each with its share of the area.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        hidden=True,
    ),
    Action(
        name="diagnose.identity",
        menu="Diagnose",
        label="Send There and Back",
        help="Send the layer to the backend and put it back as a new layer, to check the connection.",
        result=ResultKind.LAYER,
        inputs=(LAYER,),
        parameters=(
            Parameter("seconds", Kind.NUMBER, 0.0, "Wait", "Keep the job running so long before it answers.", 0, 600,
                      unit=" s"),
            Parameter(
                "fault", Kind.CHOICE, "none", "Fault", "Let the job go wrong in this way once the wait is over.",
                choices=(("none", "None"), ("error", "An error in the program"), ("hang", "Never answer"),
                         ("crash", "End the worker"), ("memory", "Ask for too much memory"),
                         ("tight", "Ask for too much memory at first")),
            ),
        ),
        hidden=True,
    ),
)  # fmt: skip

BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}
