"""Remove something from images and fill its place from its surroundings: what a mask marks, or a --target."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..io import image_files
from . import batch, masks, paste, select, usage
from .action_options import add_alias, add_output, add_parameters, add_running, given, numbers
from .runner import Report, Runner, runner

SELECTION = BY_NAME["fill.selection"]
TARGETS = {"subject": BY_NAME["fill.subject"], "object": BY_NAME["fill.object"]}
ACTIONS = [SELECTION, *TARGETS.values()]
ONE_LAYER = {"variants"}
"""Parameters that mean nothing where the result is a picture: another try has another seed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay fill`."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of pictures")
    add_output(parser, "file to write; with several pictures a folder")
    removed = parser.add_mutually_exclusive_group(required=True)
    removed.add_argument("--mask", type=Path, help="what is removed: white, and of the images' size")
    removed.add_argument(
        "--target", choices=list(TARGETS), help="subject: the image's subject; object: what --box or --point marks"
    )
    add_alias(removed, "--what", "target", choices=list(TARGETS))
    parser.add_argument("--box", action=numbers(4, "X,Y,W,H"), metavar="X,Y,W,H", help="a box around the object")
    parser.add_argument("--point", action=numbers(2, "X,Y"), metavar="X,Y", help="a point on the object")
    parser.add_argument("--source", type=Path, help="where the fill may be taken from: white, of the pictures' size")
    add_parameters(parser, ACTIONS, leave_out=ONE_LAYER)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every image without what was to be removed."""
    placed = arguments.box is not None or arguments.point is not None
    if (arguments.target == "object") != placed:
        raise usage("say where the object is: --target object --box X,Y,W,H or --point X,Y")
    action = TARGETS.get(arguments.target, SELECTION)
    parameters = given(vars(arguments), action, ACTIONS)
    mask, source = (image_files.read(path) if path else None for path in (arguments.mask, arguments.source))
    tasks = batch.plan(arguments.images, arguments.output)

    with runner(arguments.in_process) as running:

        def work(picture: Raster, report: Report) -> Raster:
            inputs = {"image": picture}
            if mask is not None:
                inputs["selection"] = masks.fitting(mask, picture, "mask")
            elif arguments.box is not None:
                inputs["selection"] = select.box_selection(arguments.box, picture)
            elif arguments.point is not None:
                inputs["selection"] = select.point_selection(arguments.point, picture)
            if source is not None:
                inputs["source"] = masks.fitting(source, picture, "sampling area")
            return fill(running, action.name, parameters, inputs, report)

        return batch.process(tasks, work)


def fill(
    running: Runner, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report
) -> Raster:
    """The picture with the fill over it."""
    result = running.run(action, parameters, inputs, report)
    return paste.over(result.outputs[0].raster, inputs["image"])
