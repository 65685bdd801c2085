"""Repaint images, their background or their subject in the style of a painting: one that comes along, any image,
or one that you have trained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from models.zoo.style_presets import PRESETS
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..batch.recipe import Step, save_asked
from . import CommandError, batch, masks, usage
from .action_options import add_alias, add_images, add_parameters, add_running, given
from .progress import Report
from .runner import Runner, runner

PRESET, LAYER, GATYS, CUSTOM = (BY_NAME[f"style.{name}"] for name in ("preset", "layer", "gatys", "custom"))
ACTIONS = [PRESET, LAYER, GATYS, CUSTOM]


class ListStyles(argparse.Action):
    """Prints the styles and the paintings they are of, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        for name, preset in PRESETS.items():
            print(f"{name}\t{preset.file}")
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay style`."""
    add_images(parser, "STYLE")
    parser.add_argument("--list", action=ListStyles, nargs=0, help="print the styles and their paintings, and end")
    masks.add_mask(parser, "where to repaint, for --region selection")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--style-image", type=Path, metavar="FILE", help="an image in whose style to repaint")
    add_alias(other, "--style-picture", "style_image", type=Path)
    other.add_argument("--custom", metavar="NAME", help="a custom style (see `inlay train-style --list`)")
    add_alias(other, "--own", "custom")
    parser.add_argument(
        "--gatys", action="store_true", help="paint step by step as --style-image; slower and closer than one pass"
    )
    add_parameters(parser, ACTIONS, leave_out={"name"})
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every image in its style."""
    options = vars(arguments)
    if arguments.mask is not None:
        options.setdefault("region", "selection")
    if arguments.gatys and arguments.style_image is None:
        raise usage("--gatys needs a --style-image")
    action, title = PRESET, ""
    if arguments.style_image is not None:
        action, title = (GATYS if arguments.gatys else LAYER), arguments.style_image.stem
    if arguments.custom is not None:
        action, title = CUSTOM, arguments.custom
        options["name"] = arguments.custom
    parameters = given(options, action, ACTIONS)
    if (parameters["region"] == "selection") != (arguments.mask is not None):
        raise usage("--region selection and --mask FILE go together")
    naming = batch.Naming(title or str(parameters["style"]))
    plan = batch.plan(arguments, naming, [arguments.mask, arguments.style_image])
    style = {"style": masks.load(arguments.style_image)} if arguments.style_image else {}
    mask = masks.read(arguments.mask)
    files = {"style": arguments.style_image, "selection": arguments.mask}
    named = {name: path for name, path in files.items() if path is not None}
    save_asked(arguments, [Step(action, parameters, named)])
    with runner(arguments.in_process) as running:

        def work(image: Raster, report: Report) -> Raster:
            inputs = {"image": image} | style | ({"selection": masks.fitting(mask, image)} if mask else {})
            if action is GATYS:
                return painted(running, parameters, inputs, report)
            return running.run(action.name, parameters, inputs, report).outputs[0].raster

        return batch.process(plan, running, work)


def painted(running: Runner, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Raster:
    """The image, painted step by step; what there is of it when Ctrl-C is pressed.

    Raises KeyboardInterrupt where that is nothing yet, or Ctrl-C is pressed again.
    """
    try:
        return running.run(GATYS.name, parameters, inputs, report).outputs[0].raster
    except KeyboardInterrupt:
        print("\nstopped; the best so far is the result", file=sys.stderr)
        try:
            kept = parameters | {"start": "kept", "steps": 1}
            return running.run(GATYS.name, kept, inputs, report).outputs[0].raster
        except CommandError:
            raise KeyboardInterrupt from None
