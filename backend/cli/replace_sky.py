"""Put the sky of another image behind what stands before the sky in an image."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.actions import BY_NAME

from . import Exit, batch, masks
from .action_options import add_output, add_parameters, add_running, given
from .paste import match_format
from .progress import ProgressBar
from .runner import runner

ACTION = BY_NAME["paste.sky"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay replace-sky`."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the image that gets another sky")
    parser.add_argument("sky", type=Path, metavar="SKY", help="an image with a sky, or of nothing else")
    masks.add_mask(parser, "the sky of IMAGE, in place of what is found")
    add_parameters(parser, [ACTION], leave_out=set())
    add_output(parser)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write IMAGE with the sky of SKY."""
    written = batch.single(arguments, [arguments.image, arguments.sky, arguments.mask])
    parameters = given(vars(arguments), ACTION, [ACTION])
    sky, image = match_format(written.load(arguments.sky), written.load(arguments.image))
    mask = masks.read(arguments.mask)
    with runner(arguments.in_process) as running, ProgressBar(1) as bar:
        inputs = {"image": image, "sky": sky} | ({"selection": masks.fitting(mask, image)} if mask else {})
        result = running.run(ACTION.name, parameters, inputs, bar.report(arguments.image.name))
    written.write(result.outputs[0].raster, running.notes)
    return Exit.DONE
