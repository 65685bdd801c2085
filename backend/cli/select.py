"""Select something in images. Writes masks of the images' size: 8-bit gray, white where selected."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from plugin.client.actions import BY_NAME, Action, Value
from plugin.client.image import PixelFormat, Raster

from ..batch.recipe import Step, save_asked
from . import batch, listing, usage
from .action_options import add_alias, add_images, add_parameters, add_place, add_running, family, given
from .progress import Report
from .runner import Runner, nothing_found, runner

if TYPE_CHECKING:
    from ..imaging.arrays import BoolArray

ACTIONS = family("select")
OBJECT, OBJECTS, STROKES = (BY_NAME[f"select.{name}"] for name in ("object", "objects", "strokes"))
CLASS_NAME = "class_name"
"""The parameter that is part of the target: class:person."""

HALF = 128
"""A selection that nowhere is more in than out has found nothing, unless it was feathered."""

POINT_RADIUS = 0.01
"""Radius of the selection that a point becomes, of the image's longer side."""


def add_arguments(parser: argparse.ArgumentParser, tag: str = "mask") -> None:
    """The options of `inlay select` (and `inlay cutout`)."""
    add_images(parser, tag)
    targets = "; ".join(f"{name}: {action.label}" for name, (action, _) in _targets().items() if ":" not in name)
    classes = ", ".join(name for name in _targets() if ":" in name)
    listed = f"what to select. {targets}{'; ' if classes else ''}{classes}"
    parser.add_argument("--target", metavar="TARGET", help=listed)
    add_alias(parser, "--what", "target")
    parser.add_argument("--method", choices=list(_methods()), help="how; some methods go with one TARGET alone")
    add_place(parser, several=True)
    if tag == "mask":
        parser.add_argument("--list", action="store_true", help="print the objects found (--target objects), and end")
    add_parameters(parser, ACTIONS, leave_out={"mode", "method", CLASS_NAME})
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write a mask for every image, or print what was found in it."""
    action, parameters = request(arguments)
    if arguments.list:
        if action is not OBJECTS:
            raise usage("--list goes with --target objects")
        return listing.print_objects(arguments)
    plan = batch.plan(arguments, batch.MASK)
    save_asked(arguments, steps(action, parameters, Place.of(arguments)))
    with runner(arguments.in_process) as running:
        return batch.process(plan, running, partial(mask, running, action, parameters, Place.of(arguments)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: a box around it, points on it and points beside it."""

    box: tuple[int, int, int, int] | None = None
    points: Sequence[tuple[int, int]] = ()
    not_points: Sequence[tuple[int, int]] = ()

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Place:
        """The place that the options say."""
        return cls(arguments.box, arguments.point or (), arguments.not_point or ())

    @property
    def strokes(self) -> bool:
        """Whether it takes strokes to say it."""
        return len(self.points) > 1 or bool(self.not_points) or (self.box is not None and bool(self.points))

    @property
    def given(self) -> bool:
        """Whether anything is said."""
        return self.box is not None or bool(self.points) or bool(self.not_points)


def request(arguments: argparse.Namespace) -> tuple[Action, dict[str, Value]]:
    """The action that the options mean, and its parameters. Raises CommandError (usage)."""
    if arguments.target and arguments.target not in _targets():
        raise usage(f"--target {arguments.target} is not known; there are {', '.join(_targets())}")
    candidates = ACTIONS
    chosen: dict[str, Value] = {}
    if arguments.target:
        action, chosen = _targets()[arguments.target]
        candidates = [action]
    if arguments.method:
        candidates = [a for a in candidates if a.name in _methods()[arguments.method]]
        if not candidates:
            raise usage(f"--method {arguments.method} cannot select '{arguments.target}'")
    place = Place.of(arguments)
    fitting = [a for a in candidates if _needs_place(a) == place.given] or candidates
    action = STROKES if place.strokes and fitting[0] is OBJECT and not arguments.method else fitting[0]
    options = {name: value for name, value in vars(arguments).items() if name != "method"} | chosen
    if arguments.method and arguments.method != _target(action):
        options["method"] = arguments.method
    parameters = given(options, action, ACTIONS)
    if _needs_place(action) and not place.given:
        raise usage(f"to select '{_target(action)}', say where it is: --box X,Y,W,H")
    if action is STROKES and place.box is None and not place.points:
        raise usage("say what is meant, too: --point X,Y or --box X,Y,W,H")
    if place.not_points and action is not STROKES:
        raise usage("--not-point goes with --target object")
    if place.box is None and place.points and parameters.get("method") == "grabcut":
        raise usage("for GrabCut a point is too little: surround the object with --box X,Y,W,H")
    return action, parameters


def mask(
    running: Runner,
    action: Action,
    parameters: dict[str, Value],
    place: Place,
    image: Raster,
    report: Report,
) -> Raster:
    """The selection in an image as a gray raster of its size. With a box and points the points correct what the box
    has found.

    Raises:
        CommandError: the job failed, or nothing was found.
    """
    inputs = {"image": image}
    if action is STROKES:
        inputs["strokes"] = strokes(place, image)
        if place.box is not None:
            first = _first(parameters)
            inputs["selection"] = mask(running, OBJECT, first, Place(place.box), image, report)
    elif place.box is not None:
        inputs["selection"] = box_selection(place.box, image)
    elif place.points:
        inputs["selection"] = point_selection(place.points[0], image)
    result = running.run(action.name, parameters, inputs, report)
    found = filled(result.outputs[0].raster, image)
    least = 1 if parameters.get("feather") else HALF
    if max(bytes(found.data)) < least:
        raise nothing_found(action.name)
    return found


def steps(action: Action, parameters: dict[str, Value], place: Place) -> list[Step]:
    """What `mask` does, as steps of a recipe."""
    if action is not STROKES:
        return [Step(action, parameters, {}, place.box, place.points[:1] if place.box is None else [])]
    strokes = Step(action, parameters, {}, None, place.points, place.not_points)
    return [strokes] if place.box is None else [Step(OBJECT, _first(parameters), {}, place.box), strokes]


def _first(parameters: dict[str, Value]) -> dict[str, Value]:
    """How an object in a box is selected before strokes correct it."""
    return OBJECT.check({name: value for name, value in parameters.items() if name in ("edge", "high_quality")})


def filled(selection: Raster, image: Raster) -> Raster:
    """A selection of any place and size as 8-bit gray of the image's size; black where it does not reach."""
    from backend.io.rasters import as_depth, from_array, placed, samples

    values = as_depth(samples(selection)[..., 0], "u8")
    return from_array(placed(values, selection.x, selection.y, image.box))


def _target(action: Action) -> str:
    return action.name.removeprefix("select.").replace("_", "-")


def _targets() -> dict[str, tuple[Action, dict[str, Value]]]:
    """What --target may be: an action and the parameters it fixes. A choice of classes is written ACTION:CLASS."""
    found: dict[str, tuple[Action, dict[str, Value]]] = {}
    for action in ACTIONS:
        found[_target(action)] = action, {}
        for parameter in action.parameters:
            if parameter.name == CLASS_NAME:
                found |= {f"{_target(action)}:{value}": (action, {CLASS_NAME: value}) for value, _ in parameter.choices}
    return found


def _methods() -> dict[str, set[str]]:
    """Names of methods, each with the actions that know it. An action without a choice is a method by itself."""
    methods: dict[str, set[str]] = {}
    for action in ACTIONS:
        choices = [value for p in action.parameters if p.name == "method" for value, _ in p.choices]
        for name in choices or [_target(action)]:
            methods.setdefault(name, set()).add(action.name)
    return methods


def _needs_place(action: Action) -> bool:
    return any(i.name in ("selection", "strokes") and i.required for i in action.inputs)


def box_selection(box: tuple[int, int, int, int], image: Raster) -> Raster:
    """The box as a selection. Raises CommandError (usage) when it lies outside the image."""
    x, y, width, height = box
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, image.width), min(y + height, image.height)
    if left >= right or top >= bottom:
        raise usage(f"the box {x},{y},{width},{height} lies outside an image of {image.width} x {image.height}")
    size = (right - left, bottom - top)
    return Raster(PixelFormat("Y", "u8"), *size, b"\xff" * (size[0] * size[1]), left, top)


def point_selection(point: tuple[int, int], image: Raster) -> Raster:
    """A small disc around the point as a selection. Raises CommandError (usage) when it lies outside the image."""
    import numpy as np

    from backend.io.rasters import from_array

    return from_array(_disc(point, image).astype(np.uint8) * 255)


def strokes(place: Place, image: Raster) -> Raster:
    """A layer with a green disc on each point and a red one on each of the others."""
    import numpy as np

    from backend.io.rasters import from_array

    painted = np.zeros((image.height, image.width, 4), np.uint8)
    for points, color in ((place.points, (0, 255, 0, 255)), (place.not_points, (255, 0, 0, 255))):
        for point in points:
            painted[_disc(point, image)] = color
    return from_array(painted)


def _disc(point: tuple[int, int], image: Raster) -> BoolArray:
    import numpy as np

    x, y = point
    if not (0 <= x < image.width and 0 <= y < image.height):
        raise usage(f"the point {x},{y} lies outside an image of {image.width} x {image.height}")
    radius = POINT_RADIUS * max(image.width, image.height) + 1
    rows, columns = np.ogrid[: image.height, : image.width]
    inside: BoolArray = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return inside
