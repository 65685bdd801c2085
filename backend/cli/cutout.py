"""Select something in pictures and cut it out. Writes the pictures with everything else transparent."""

from __future__ import annotations

import argparse

from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..io import image_files
from . import batch, select, usage
from .runner import Report, Runner, runner

ACTION = BY_NAME["cutout.background"]
add_arguments = select.add_arguments


def run(arguments: argparse.Namespace) -> int:
    """Write a cutout of every picture."""
    action, parameters = select.request(arguments)
    tasks = batch.plan(arguments.images, arguments.output)
    if any(task.output.suffix.lower() in image_files.OPAQUE for task in tasks):
        raise usage(f"{arguments.output}: this format keeps no transparency; write a .png")
    with runner(arguments.in_process) as running:

        def work(picture: Raster, report: Report) -> Raster:
            mask = select.mask(running, action, parameters, arguments.box, arguments.point, picture, report)
            return cut(running, picture, mask, parameters, report)

        return batch.process(tasks, work)


def cut(running: Runner, picture: Raster, mask: Raster, parameters: dict[str, Value], report: Report) -> Raster:
    """`picture` with `mask` as its alpha, and in its edge colors free of the old background's."""
    known = {parameter.name for parameter in ACTION.parameters}
    settings = ACTION.check({name: value for name, value in parameters.items() if name in known})
    result = running.run(ACTION.name, settings, {"image": picture, "selection": mask}, report)
    return result.outputs[0].raster
