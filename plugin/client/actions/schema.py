"""What an action, its inputs and its parameters are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

Value = bool | int | float | str


class Source(str, Enum):
    """Where an editor takes an input from."""

    LAYER = "layer"  # the active layer's own pixels
    VISIBLE = "visible"  # what is seen of the active layer and below it, fills above it included
    BELOW = "below"  # what is seen of the image below the active layer
    SELECTION = "selection"  # the current selection, gray, 0 outside .. full inside
    OTHER = "other"  # a layer the user picks in the dialog


class Extent(str, Enum):
    """How much of the image an action needs to see; only that much travels."""

    LAYER = "layer"  # the whole active layer
    SELECTION = "selection"  # the selection's bounding box with `Action.margin` around it
    OVERLAP = "overlap"  # the active layer's visible bounding box with `Action.margin` around it


class ResultKind(str, Enum):
    """What comes back. Every output of one job has one of these."""

    SELECTION = "selection"  # gray raster; combined with the current selection as the user chose
    LAYER = "layer"  # a new layer above the active one
    LAYER_MASK = "layer mask"  # gray raster; becomes the mask of the active layer


class Kind(str, Enum):
    """The type of a parameter."""

    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Input:
    """An image an action works on. A missing input that is not required is left out of the job."""

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
    advances_by: str = ""  # a parameter that says how much further a dialog starts the next time: another try
    choice_provider: str = ""  # a hidden action whose outputs, named "CHOICE: ...", show which choices fit an image
    aliases: tuple[str, ...] = ()  # older names: still taken from scripts, shown nowhere
    choice_aliases: tuple[tuple[str, str], ...] = ()  # (older value, value): still taken, shown nowhere
    no_effect_when: tuple[tuple[str, Value], ...] = ()  # others, and their values with which this does nothing

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
        value = dict(self.choice_aliases).get(value, value)
        if self.kind is Kind.CHOICE and value not in dict(self.choices):
            raise ValueError(f"{self.name} must be one of {', '.join(dict(self.choices))}, not {value!r}")
        if len(value) > 4096:
            raise ValueError(f"{self.name} is {len(value)} characters long; at most 4096 are taken")
        return value


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the user can ask for."""

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
    whole_when: tuple[tuple[str, Value], ...] = ()  # parameters, and their values for which the whole layer is needed
    mask_when: tuple[str, Value] | None = None  # a parameter, and its value for which the result is a layer mask
    hidden: bool = False  # not in the menus: for diagnosis and scripts
    hides_layer: bool = False  # the active layer is hidden once the result lies above it
    one_click: bool = False  # has a menu entry of its own that asks nothing and takes the last settings
    watched: bool = False  # goes on for a minute or more, with something new to see at every step
    deadline: float = 120.0  # seconds without any progress after which the job is given up
    aliases: tuple[str, ...] = ()  # older names: GIMP still has procedures of these names, for scripts

    def check(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Complete `values` with the defaults and check each.

        Args:
            values: by parameter name; an older name of a parameter (`Parameter.aliases`) is taken, too.

        Returns:
            A value for every parameter, by its present name.

        Raises:
            ValueError: for an unknown name, a parameter given twice, or a value out of range.
        """
        given: dict[str, object] = {}
        for name, value in values.items():
            known = next((p.name for p in self.parameters if name == p.name or name in p.aliases), None)
            if known is None:
                names = ", ".join(p.name for p in self.parameters) or "none"
                raise ValueError(f"{self.name} has no parameter {name!r}; it has {names}")
            if known in given:
                raise ValueError(f"{self.name}: {known} is given twice, once by an older name")
            given[known] = value
        return {p.name: p.check(given.get(p.name, p.default)) for p in self.parameters}

    def without_effect(self, values: Mapping[str, object]) -> set[str]:
        """The parameters that do nothing with these values. An input's name stands for whether that input is there."""
        return {
            parameter.name
            for parameter in self.parameters
            if any(values.get(name) == value for name, value in parameter.no_effect_when)
        }

    def following(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """What a dialog starts with after a run with these values: the same, but for what gives another try."""
        following = dict(values)
        for parameter in self.parameters:
            if parameter.advances_by:
                further = int(values[parameter.name]) + int(values[parameter.advances_by])
                fits = parameter.maximum is None or further <= parameter.maximum
                following[parameter.name] = further if fits else parameter.default
        return following

    def suited(self, values: Mapping[str, Value]) -> Action:
        """The action with the extent and the kind of result that it has for these values."""
        suited = self
        if any(values.get(name) == value for name, value in self.whole_when):
            suited = replace(suited, extent=Extent.LAYER)
        if self.mask_when is not None and values.get(self.mask_when[0]) == self.mask_when[1]:
            suited = replace(suited, result=ResultKind.LAYER_MASK)
        return suited

    @property
    def procedure(self) -> str:
        """Name in GIMP's procedural database, and of the Krita action."""
        return _procedure(self.name)

    @property
    def old_procedures(self) -> tuple[str, ...]:
        """Older names in GIMP's procedural database."""
        return tuple(_procedure(name) for name in self.aliases)


def _procedure(name: str) -> str:
    return "inlay-" + name.replace(".", "-").replace("_", "-")
