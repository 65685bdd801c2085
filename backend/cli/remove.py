"""Find something in images, remove it and fill its place from its surroundings. Nothing else changes."""

from __future__ import annotations

import argparse

from plugin.client.actions import BY_NAME
from plugin.client.image import Raster

from ..batch.recipe import save_asked
from . import batch, fill, masks, select, usage
from .action_options import add_images, add_parameters, add_place, add_running, given
from .progress import Report
from .runner import runner

TARGETS = {
    "subject": BY_NAME["fill.subject"],
    "object": BY_NAME["fill.object"],
    "other-people": BY_NAME["fill.other_people"],
    "objects": BY_NAME["fill.objects"],
    "dust": BY_NAME["fill.dust"],
}
OLDER = {"people-other": "other-people"}
"""Other spellings of targets: taken, absent from the help."""

ACTIONS = list(TARGETS.values())
NAMING = batch.Naming("removed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay remove`."""
    add_images(parser, NAMING.tag)
    listed = "; ".join(f"{name}: {action.label}" for name, action in TARGETS.items())
    parser.add_argument(
        "--target",
        metavar="TARGET",
        required=True,
        choices=list(TARGETS),
        type=lambda word: OLDER.get(word, word),
        help=f"what is removed. {listed}",
    )
    add_place(parser)
    masks.add_mask(parser, "where the fill may be taken from", "--source")
    add_parameters(parser, ACTIONS, leave_out=fill.ONE_LAYER)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every image without what was to be removed."""
    placed = arguments.box is not None or arguments.point is not None
    if (arguments.target == "object") != placed:
        raise usage("--box X,Y,W,H or --point X,Y goes with --target object, and that needs one")
    action = TARGETS[arguments.target]
    takes = {wanted.name for wanted in action.inputs}
    if arguments.source is not None and "source" not in takes:
        raise usage(f"--source does not go with --target {arguments.target}")
    parameters = given(vars(arguments), action, ACTIONS)
    plan = batch.plan(arguments, NAMING, [arguments.source])
    source = masks.read(arguments.source)
    save_asked(arguments, [fill.step(action, parameters, arguments)])
    with runner(arguments.in_process) as running:

        def work(image: Raster, report: Report) -> Raster:
            inputs = {"image": image}
            if arguments.box is not None:
                inputs["selection"] = select.box_selection(arguments.box, image)
            elif arguments.point is not None:
                inputs["selection"] = select.point_selection(arguments.point, image)
            if source is not None:
                inputs["source"] = masks.fitting(source, image, "sampling area")
            return fill.fill(running, action.name, parameters, inputs, report)

        return batch.process(plan, running, work)
