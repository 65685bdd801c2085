"""Select something in pictures and cut it out. Writes the pictures with the selection as their alpha."""

from __future__ import annotations

import argparse

from plugin.client.raster import Raster

from . import batch, pictures, select, usage
from .running import Report, runner

add_arguments = select.add_arguments


def run(arguments: argparse.Namespace) -> int:
    """Write a cutout of every picture."""
    action, parameters = select.request(arguments)
    tasks = batch.plan(arguments.images, arguments.output)
    if any(task.output.suffix.lower() in pictures.OPAQUE for task in tasks):
        raise usage(f"{arguments.output}: this format keeps no transparency; write a .png")
    with runner(arguments.in_process) as running:

        def work(picture: Raster, report: Report) -> Raster:
            mask = select.mask(running, action, parameters, arguments.box, arguments.point, picture, report)
            return cut(picture, mask)

        return batch.process(tasks, work)


def cut(picture: Raster, mask: Raster) -> Raster:
    """`picture` with its alpha (opaque where it has none) times `mask`; depth and profile are kept."""
    import numpy as np

    pixels = pictures.array(picture)
    depth = picture.format.depth
    coverage = pictures.as_depth(pictures.array(mask), depth)
    if picture.format.has_alpha:
        alpha = pictures.as_depth(pixels[..., -1:], "f32") * pictures.as_depth(coverage, "f32")
        coverage, pixels = pictures.as_depth(alpha, depth), pixels[..., :-1]
    return pictures.from_array(np.concatenate([pixels, coverage], axis=2), picture.profile)
