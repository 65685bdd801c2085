"""A recipe: actions with their parameters, one on the result of the other. A TOML file, checked before it is used."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from plugin.client.actions import ACTIONS, Action, Input, ResultKind, Source, Value
from plugin.client.long_paths import system_path

from ..cli import CommandError, Exit, usage
from ..io.safe_write import check_target, write_bytes
from ..io.sources import STREAM, kind_of, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Point = tuple[int, int]
Table = Mapping[str, Any]

NAME_LENGTH = 60
RUNNING = (Source.LAYER, Source.VISIBLE, Source.BELOW)
"""Where an editor takes the inputs from whose place the image takes that the recipe works on."""

STROKES = "strokes"
AS_IMAGE = {"fill": "copy", "cutout": "layer"}
"""The value of the parameter `as`, by the action's family: in a recipe the result is an image."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a recipe.

    Attributes:
        action: in the table of actions.
        parameters: a value for each of its parameters.
        inputs: files, by the name of the action's input.
        box: x, y, width, height of a selection, in pixels of each image.
        points: on the object; the first is a selection, several are strokes.
        not_points: beside the object, as strokes.
    """

    action: Action
    parameters: Mapping[str, Value]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    box: tuple[int, int, int, int] | None = None
    points: Sequence[Point] = ()
    not_points: Sequence[Point] = ()

    @property
    def selects(self) -> bool:
        """Whether it makes a selection; else an image."""
        return self.action.result is ResultKind.SELECTION

    @property
    def works_on(self) -> Input | None:
        """The input that the image goes into: the first that an editor takes from the document, and no file is for."""
        return next((i for i in self.action.inputs if i.source in RUNNING and i.name not in self.inputs), None)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps, and what the results' names get."""

    name: str
    steps: tuple[Step, ...]

    @property
    def selects(self) -> bool:
        """Whether it ends with a selection, which is written as a mask."""
        return self.steps[-1].selects

    @property
    def cuts_out(self) -> bool:
        """Whether its results are transparent somewhere."""
        return any(step.action.name.startswith("cutout.") for step in self.steps)

    @property
    def files(self) -> tuple[Path, ...]:
        """What its steps read."""
        return tuple(path for step in self.steps for path in step.inputs.values())

    def digest(self) -> str:
        """32 hexadecimal digits of all that decides about the results: steps, parameters, contents of files.

        Raises CommandError (bad input) where a file cannot be read.
        """
        whole = [
            [step.action.name, dict(step.parameters), step.box, step.points, step.not_points,
             {name: file_digest(path) for name, path in step.inputs.items()}]
            for step in self.steps
        ]  # fmt: skip
        return blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=16).hexdigest()


def file_digest(path: Path) -> str:
    """32 hexadecimal digits of a file's content. Raises CommandError (bad input) where it cannot be read."""
    digest = blake2b(digest_size=16)
    try:
        with system_path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CommandError(f"cannot read {shown(path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
    return digest.hexdigest()


# Reading.


def load(path: Path) -> Recipe:
    """The recipe in a TOML file, checked by the table of actions; paths in it start where the file lies.

    Raises:
        CommandError: bad input: no such file; usage: what is wrong in it, with the step's number.
    """
    try:
        table = tomllib.loads(system_path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"cannot read {shown(path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
    except ValueError as error:  # also what is no UTF-8
        raise usage(f"{shown(path)} is no recipe: {error}") from None
    try:
        return parsed(table, path)
    except ValueError as error:
        raise usage(f"{shown(path)}: {error}") from None


def parsed(table: Table, path: Path) -> Recipe:
    """The recipe in a table. Raises ValueError, naming the step, where something is wrong.

    Args:
        table: as TOML gives it.
        path: of its file: the name where it has none, and where paths start.
    """
    _known(table, ("name", "steps"), "a recipe")
    name = table.get("name", path.stem)
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_LENGTH:
        raise ValueError(f"name must be text of 1 to {NAME_LENGTH} characters, not {name!r}")
    if name.strip(". ") != name or not name.isprintable() or set(name) & set('/\\:*?"<>|'):
        raise ValueError(f"name is part of the results' names; {name!r} cannot be")
    tables = table.get("steps")
    if not isinstance(tables, list) or not tables or not all(isinstance(step, dict) for step in tables):
        raise ValueError("a recipe has [[steps]], one or more")
    steps, selected = [], False
    for number, each in enumerate(tables, 1):
        label = each.get("action")
        try:
            steps.append(step := _step(each, path.parent, selected))
        except ValueError as error:
            raise ValueError(f"step {number} ({label if isinstance(label, str) else 'no action'}): {error}") from None
        selected |= step.selects
    return Recipe(name, tuple(steps))


def _step(table: Table, folder: Path, selected: bool) -> Step:
    """A step; `selected`: one before it makes a selection. Raises ValueError."""
    _known(table, ("action", "parameters", "inputs", "box", "points", "not_points"), "a step")
    action = _action(table.get("action"))
    parameters = table.get("parameters", {})
    if not isinstance(parameters, dict):
        raise ValueError("parameters must be a table, such as { grow = 4 }")
    checked = action.check(parameters)
    if "as" in checked:
        checked["as"] = AS_IMAGE[action.name.partition(".")[0]]
    if checked.get("variants", 1) != 1:
        raise ValueError("variants must be 1: a recipe makes one image of each")
    box = _numbers(table["box"], 4, "box", "[x, y, width, height]") if "box" in table else None
    points, not_points = (_points(table.get(key, []), key) for key in ("points", "not_points"))
    inputs = _files(table.get("inputs", {}), action, folder)
    step = Step(action, checked, inputs, box, points, not_points)  # type: ignore[arg-type]  # of four numbers
    _check_inputs(step, selected)
    return step


def _action(name: object) -> Action:
    if not isinstance(name, str):
        raise ValueError("a step needs an action: a name from the table of actions, such as 'select.subject'")
    found = next((action for action in ACTIONS if name == action.name or name in action.aliases), None)
    if found is None:
        names = ", ".join(action.name for action in ACTIONS if _usable(action))
        raise ValueError(f"there is no such action; there are {names}")
    if not _usable(found):
        raise ValueError("this action makes no image and no selection that a recipe could go on with")
    return found


def _usable(action: Action) -> bool:
    return not action.hidden and action.name != "style.train"


def _files(table: object, action: Action, folder: Path) -> dict[str, Path]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ValueError('inputs must be a table of files, such as { style = "painting.jpg" }')
    names = [each.name for each in action.inputs]
    files = {}
    for name, value in table.items():
        if name not in names:
            raise ValueError(f"{action.name} has no input {name!r}; it has {', '.join(names)}")
        files[name] = folder / value
        if kind_of(files[name]) != "":
            raise ValueError(f"the file for {name} cannot be read: {shown(files[name])}")
    return files


def _check_inputs(step: Step, selected: bool) -> None:
    """Raise ValueError where an input is missing, or a place is given that the action takes none of."""
    names = {each.name for each in step.action.inputs}
    placed = step.box is not None or bool(step.points)
    if (len(step.points) > 1 or step.not_points) and STROKES not in names:
        raise ValueError("several points, and not_points, go with select.strokes")
    if placed and not names & {"selection", STROKES}:
        raise ValueError("box and points mark a selection, and this action takes none")
    if step.box is not None and step.points and STROKES not in names:
        raise ValueError("box and points are two ways to mark one thing; give one of them")
    if step.works_on is None:
        raise ValueError("files are given for all of its images, so that it would not work on the images of the batch")
    for each in step.action.inputs:
        if each is step.works_on or each.name in step.inputs or not each.required:
            continue
        if each.source is Source.SELECTION:
            if not placed and not selected:
                raise ValueError("it needs a selection: a step before it that selects, a box, a point or a mask's file")
        elif each.name == STROKES and (step.points or step.not_points):
            continue
        else:
            raise ValueError(f'it needs a file: inputs = {{ {each.name} = "FILE" }} ({each.label})')
    marked = selected or placed or "selection" in step.inputs
    if step.parameters.get("region") == "selection" and not marked:
        raise ValueError("region = 'selection' needs a selection: a step before it that selects, or a mask's file")


def _points(value: object, name: str) -> tuple[Point, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list of points, such as [[120, 80]]")
    return tuple(_numbers(each, 2, name, "points [x, y]") for each in value)  # type: ignore[misc]  # of two numbers


def _numbers(value: object, count: int, name: str, shape: str) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    if not isinstance(value, list) or not whole or len(value) != count:
        raise ValueError(f"{name} must be {shape} in whole pixels, not {value!r}")
    return tuple(value)


def _known(table: Table, names: Sequence[str], what: str) -> None:
    for name in table:
        if name not in names:
            raise ValueError(f"{what} has no {name!r}; it has {', '.join(names)}")


# Writing.


def save_asked(arguments: argparse.Namespace, steps: Sequence[Step]) -> None:
    """Write the steps of a command where its option --save-recipe says, if it does. Raises CommandError."""
    path: Path | None = arguments.save_recipe
    if path is None:
        return
    if STREAM in [path, *(file for step in steps for file in step.inputs.values())]:
        raise usage("a recipe is a file, and names files; standard input and output cannot be in it")
    files = [file for step in steps for file in step.inputs.values()]
    check_target(path, [*arguments.images, *files], arguments.overwrite)
    write_bytes(path, text(Recipe(path.stem, tuple(steps)), path.parent).encode(), arguments.overwrite)


def text(recipe: Recipe, folder: Path) -> str:
    """The recipe as TOML, for a file in `folder`."""
    lines = [f"name = {_toml(recipe.name)}"]
    for step in recipe.steps:
        lines += ["", "[[steps]]", f"action = {_toml(step.action.name)}"]
        places = {"box": step.box, "points": step.points, "not_points": step.not_points}
        lines += [f"{name} = {_toml(place)}" for name, place in places.items() if place]
        files = {name: _relative(path, folder) for name, path in step.inputs.items()}
        for name, table in (("parameters", dict(step.parameters)), ("inputs", files)):
            if table:
                lines += [f"[steps.{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("numbers in a recipe are finite")
    if isinstance(value, str):  # TOML's basic strings are JSON's, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _relative(path: Path, folder: Path) -> str:
    """From the recipe's folder; whole where there is no such way (another drive)."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return str(path.resolve())
