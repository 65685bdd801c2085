"""Remove something from images and fill its place from its surroundings: what a mask marks, or a --target."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.actions import BY_NAME, Action, Value
from plugin.client.image import Raster

from ..batch.recipe import Step, save_asked
from . import batch, masks, select, usage
from .action_options import add_alias, add_images, add_parameters, add_place, add_running, given
from .progress import Report
from .runner import Runner, runner

SELECTION = BY_NAME["fill.selection"]
TARGETS = {"subject": BY_NAME["fill.subject"], "object": BY_NAME["fill.object"]}
ACTIONS = [SELECTION, *TARGETS.values()]
NAMING = batch.Naming("filled")
ONE_LAYER = {"variants", "as"}
"""Parameters that mean nothing where the result is an image: another try has another seed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay fill`."""
    add_images(parser, NAMING.tag)
    removed = parser.add_mutually_exclusive_group(required=True)
    masks.add_mask(removed, "what is removed")
    removed.add_argument(
        "--target",
        metavar="TARGET",
        choices=list(TARGETS),
        help="subject: the image's subject; object: what --box or --point marks",
    )
    add_alias(removed, "--what", "target", choices=list(TARGETS))
    add_place(parser)
    masks.add_mask(parser, "where the fill may be taken from", "--source")
    add_parameters(parser, ACTIONS, leave_out=ONE_LAYER)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every image without what was to be removed."""
    placed = arguments.box is not None or arguments.point is not None
    if (arguments.target == "object") != placed:
        raise usage("say where the object is: --target object --box X,Y,W,H or --point X,Y")
    action = TARGETS.get(arguments.target, SELECTION)
    parameters = given(vars(arguments), action, ACTIONS)
    plan = batch.plan(arguments, NAMING, [arguments.mask, arguments.source])
    mask, source = masks.read(arguments.mask), masks.read(arguments.source)
    save_asked(arguments, [step(action, parameters, arguments, arguments.mask)])
    with runner(arguments.in_process) as running:

        def work(image: Raster, report: Report) -> Raster:
            inputs = {"image": image}
            if mask is not None:
                inputs["selection"] = masks.fitting(mask, image)
            elif arguments.box is not None:
                inputs["selection"] = select.box_selection(arguments.box, image)
            elif arguments.point is not None:
                inputs["selection"] = select.point_selection(arguments.point, image)
            if source is not None:
                inputs["source"] = masks.fitting(source, image, "sampling area")
            return fill(running, action.name, parameters, inputs, report)

        return batch.process(plan, running, work)


def step(action: Action, parameters: dict[str, Value], arguments: argparse.Namespace, mask: Path | None = None) -> Step:
    """What the command does, as a step of a recipe."""
    files = {"selection": mask, "source": arguments.source}
    named = {name: path for name, path in files.items() if path is not None}
    return Step(action, parameters, named, arguments.box, [] if arguments.point is None else [arguments.point])


def fill(
    running: Runner, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report
) -> Raster:
    """The image with its hole filled; nothing else of it is touched."""
    result = running.run(action, parameters | {"as": "copy"}, inputs, report)
    return result.outputs[0].raster
