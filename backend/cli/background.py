"""Blur the background of images, or take its color; the subject stays as it is."""

from __future__ import annotations

import argparse

from plugin.client.actions import BY_NAME
from plugin.client.image import Raster

from ..batch.recipe import Step, save_asked
from . import batch, masks
from .action_options import add_images, add_parameters, add_running, family, given
from .progress import Report
from .runner import runner

ACTIONS = family("background")
EFFECTS = {action.name.partition(".")[2]: action for action in ACTIONS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay background`."""
    parser.add_argument("effect", choices=list(EFFECTS), help="; ".join(f"{n}: {a.label}" for n, a in EFFECTS.items()))
    add_images(parser, "EFFECT")
    masks.add_mask(parser, "the subject, in place of what is found")
    add_parameters(parser, ACTIONS, leave_out=set())
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write every image with another background."""
    action = BY_NAME[EFFECTS[arguments.effect].name]
    parameters = given(vars(arguments), action, ACTIONS)
    plan = batch.plan(arguments, batch.Naming(arguments.effect), [arguments.mask])
    mask = masks.read(arguments.mask)
    save_asked(arguments, [Step(action, parameters, {"selection": arguments.mask} if mask else {})])
    with runner(arguments.in_process) as running:

        def work(image: Raster, report: Report) -> Raster:
            inputs = {"image": image} | ({"selection": masks.fitting(mask, image)} if mask else {})
            return running.run(action.name, parameters, inputs, report).outputs[0].raster

        return batch.process(plan, running, work)
