"""Select something in images and cut it out. Writes the images with everything else transparent."""

from __future__ import annotations

import argparse

from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..batch.recipe import Step, save_asked
from ..io import image_files
from . import batch, select
from .action_options import add_parameters
from .progress import Report
from .runner import Runner, runner

ACTION = BY_NAME["cutout.background"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay cutout`."""
    select.add_arguments(parser, "cutout")
    known = {action.dest for action in parser._actions}
    add_parameters(parser, [ACTION], leave_out=known | {"as"})


def run(arguments: argparse.Namespace) -> int:
    """Write a cutout of every image."""
    action, parameters = select.request(arguments)
    own = {parameter.name for parameter in ACTION.parameters}
    parameters |= {name: value for name, value in vars(arguments).items() if name in own}
    plan = batch.plan(arguments, batch.CUTOUT)
    place = select.Place.of(arguments)
    known = {parameter.name for parameter in action.parameters}
    for task in plan.tasks:
        if task.output.suffix.lower() in image_files.OPAQUE:
            raise image_files.opaque(task.output)
    selecting = select.steps(action, {name: value for name, value in parameters.items() if name in known}, place)
    save_asked(arguments, [*selecting, Step(ACTION, _settings(parameters))])
    with runner(arguments.in_process) as running:

        def work(image: Raster, report: Report) -> Raster:
            mask = select.mask(running, action, parameters, place, image, report)
            return cut(running, image, mask, parameters, report)

        return batch.process(plan, running, work)


def cut(running: Runner, image: Raster, mask: Raster, parameters: dict[str, Value], report: Report) -> Raster:
    """The image with `mask` as its alpha, and in its edge colors free of the old background's."""
    result = running.run(ACTION.name, _settings(parameters), {"image": image, "selection": mask}, report)
    return result.outputs[0].raster


def _settings(parameters: dict[str, Value]) -> dict[str, Value]:
    known = {parameter.name for parameter in ACTION.parameters}
    return ACTION.check({name: value for name, value in parameters.items() if name in known})
