"""Blur the background of pictures, or take its color; the subject stays as it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.actions import BY_NAME
from plugin.client.image import Raster

from ..io import image_files
from . import batch
from .action_options import add_output, add_parameters, add_running, family, given
from .masks import add_mask, fitting
from .runner import Report, runner

ACTIONS = family("background")
EFFECTS = {action.name.partition(".")[2]: action for action in ACTIONS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay background`."""
    parser.add_argument("effect", choices=list(EFFECTS), help="; ".join(f"{n}: {a.label}" for n, a in EFFECTS.items()))
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of pictures")
    add_output(parser, "file to write; with several pictures a folder")
    add_mask(parser, "the subject, in place of what is found")
    add_parameters(parser, ACTIONS, leave_out=set())
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every picture with another background."""
    action = BY_NAME[EFFECTS[arguments.effect].name]
    parameters = given(vars(arguments), action, ACTIONS)
    tasks = batch.plan(arguments.images, arguments.output)
    mask = image_files.read(arguments.mask) if arguments.mask else None
    with runner(arguments.in_process) as running:

        def work(picture: Raster, report: Report) -> Raster:
            inputs = {"image": picture} | ({"selection": fitting(mask, picture)} if mask else {})
            return running.run(action.name, parameters, inputs, report).outputs[0].raster

        return batch.process(tasks, work)
