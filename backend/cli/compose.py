"""Put the person of a portrait into a painting, in the painting's colors."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.actions import BY_NAME

from . import Exit, batch, usage
from .action_options import add_output, add_parameters, add_running, given, numbers
from .paste import match_format, over
from .progress import ProgressBar
from .runner import runner

ACTION = BY_NAME["paste.portrait"]
PLACED = {"place", "x", "y", "size"}
"""Parameters that --at and --scale stand for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay compose`."""
    parser.add_argument("portrait", type=Path, metavar="PORTRAIT", help="the image with the person, or a cutout")
    parser.add_argument("painting", type=Path, metavar="PAINTING", help="the image to put them into")
    parser.add_argument(
        "--at",
        action=numbers(2, "X,Y"),
        metavar="X,Y",
        help="where the middle of the person's lower end goes, in pixels (default: where the least is hidden)",
    )
    parser.add_argument(
        "--scale", type=float, default=0.45, metavar="S", help="the person's height, of the painting's (default 0.45)"
    )
    add_parameters(parser, [ACTION], leave_out=PLACED)
    add_output(parser)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write PAINTING with the person in it."""
    written = batch.single(arguments, [arguments.painting, arguments.portrait])
    painting = written.load(arguments.painting)
    portrait = written.load(arguments.portrait)
    wanted: dict[str, object] = {"size": 100 * arguments.scale}
    if arguments.at is not None:
        x, y = arguments.at
        if not (0 <= x < painting.width and 0 <= y <= 2 * painting.height):
            raise usage(f"--at {x},{y} lies outside of the painting, {painting.width} x {painting.height}")
        wanted |= {"place": "given", "x": 100 * x / painting.width, "y": 100 * y / painting.height}
    chosen = {name: value for name, value in vars(arguments).items() if name not in PLACED}
    parameters = given(chosen | wanted, ACTION, [ACTION])
    portrait, painting = match_format(portrait, painting)
    with runner(arguments.in_process) as running, ProgressBar(1) as bar:
        inputs = {"image": painting, "source": portrait}
        result = running.run(ACTION.name, parameters, inputs, bar.report(arguments.painting.name))
    for output in reversed(result.outputs):  # the shadow lies below what casts it
        painting = over(output.raster, painting)
    written.write(painting, running.notes)
    return Exit.DONE
