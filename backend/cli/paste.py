"""Paste a part of one image into another and harmonize it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..io import icc, image_files
from . import Exit, batch, masks, usage
from .action_options import add_output, add_parameters, add_running, given, numbers
from .progress import ProgressBar, Report
from .runner import Runner, runner

ACTION = BY_NAME["paste.harmonize"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay paste`."""
    parser.add_argument("target", type=Path, metavar="TARGET", help="the image to paste into")
    parser.add_argument("source", type=Path, metavar="SOURCE", help="the image to paste from")
    masks.add_mask(parser, "what of SOURCE is pasted")
    parser.add_argument(
        "--at", action=numbers(2, "X,Y"), metavar="X,Y", required=True, help="where SOURCE's upper left corner goes"
    )
    parser.add_argument("--scale", type=float, default=1.0, metavar="S", help="enlarge SOURCE by so much (default 1)")
    add_parameters(parser, [ACTION], leave_out=set())
    add_output(parser)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write TARGET with the part of SOURCE in it."""
    written = batch.single(arguments, [arguments.target, arguments.source, arguments.mask])
    if not 0.01 <= arguments.scale <= 100:
        raise usage(f"--scale must be between 0.01 and 100, not {arguments.scale:g}")
    parameters = given(vars(arguments), ACTION, [ACTION])
    target = written.load(arguments.target)
    source = written.load(arguments.source)
    mask = masks.read(arguments.mask)
    if mask is None and not source.format.has_alpha:
        raise usage(f"{arguments.source} has no transparency: say with --mask what of it is pasted")
    with runner(arguments.in_process) as running, ProgressBar(1) as bar:
        placed = place(source, mask, arguments.at, arguments.scale)
        image = paste(running, ACTION.name, parameters, target, placed, bar.report(arguments.target.name))
    written.write(image, running.notes)
    return Exit.DONE


def place(source: Raster, mask: Raster | None, at: tuple[int, int], scale: float) -> tuple[Raster, Raster | None]:
    """Source and mask, enlarged by `scale`, with their upper left corner at `at`. Raises CommandError."""
    from backend.io.rasters import scaled

    placed = replace(scaled(source, scale), x=at[0], y=at[1])
    if mask is None:
        return placed, None
    return placed, replace(scaled(masks.fitting(mask, source, of="source"), scale), x=at[0], y=at[1])


def paste(
    running: Runner,
    action: str,
    parameters: dict[str, Value],
    target: Raster,
    placed: tuple[Raster, Raster | None],
    report: Report,
) -> Raster:
    """`target` with the placed source in it, in the target's depth; gray targets take on a colored source's color."""
    source, mask = placed
    source, target = match_format(source, target)
    inputs = {"source": source, "target": target} | ({"selection": mask} if mask else {})
    result = running.run(action, parameters, inputs, report)
    for output in reversed(result.outputs):  # the shadow lies below what casts it
        target = over(output.raster, target)
    return target


def match_format(source: Raster, target: Raster) -> tuple[Raster, Raster]:
    """Both in the target's depth, and both colored where one of them is."""
    from backend.io.rasters import as_depth, from_array, ordered

    if target.format.channels.startswith("Y") and not source.format.channels.startswith("Y"):
        target = _colored(target)
    if source.format.channels.startswith("Y") and not target.format.channels.startswith("Y"):
        source = _colored(source)
    source = icc.converted(source, image_files.fitting_profile(target))
    deep = as_depth(ordered(source), target.format.depth)
    return from_array(deep, source.profile, source.x, source.y), target


def over(layer: Raster, target: Raster) -> Raster:
    """`layer` (with alpha, the target's colors and depth) composited over `target`; untouched pixels stay as they are.

    Porter and Duff's "over" on straight alpha.
    """
    import numpy as np

    from backend.imaging.color.spaces import to_unit
    from backend.io.rasters import ordered

    result = ordered(target).copy()
    left, top = max(layer.x, 0), max(layer.y, 0)
    window = (slice(top, layer.y + layer.height), slice(left, layer.x + layer.width))
    below = result[window]
    above = ordered(layer)[top - layer.y :, left - layer.x :][: below.shape[0], : below.shape[1]]
    alpha = to_unit(above[..., -1:])
    colors = above.shape[2] - 1
    if target.format.has_alpha:
        under = to_unit(below[..., -1:]) * (1 - alpha)
        whole = alpha + under
        share = np.divide(alpha, whole, out=np.zeros_like(alpha), where=whole > 0)
    else:
        whole, share = np.ones_like(alpha), alpha
    mixed = below[..., :colors] + (above[..., :colors].astype(np.float32) - below[..., :colors]) * share
    full = 1.0 if result.dtype.kind == "f" else float(np.iinfo(result.dtype).max)
    touched = alpha[..., 0] > 0
    if target.format.has_alpha:
        mixed = np.concatenate([mixed, whole * full], axis=2)
    rounded = np.rint(mixed) if result.dtype.kind == "u" else mixed
    np.copyto(below, rounded.astype(result.dtype), where=touched[..., None])
    return replace(target, data=result.data.cast("B"), key="")


def _colored(raster: Raster) -> Raster:
    """A gray image as sRGB."""
    from backend.io.rasters import from_array, ordered

    if image_files.fitting_profile(raster):
        return icc.converted(raster, icc.srgb())
    pixels = ordered(raster)
    return from_array(pixels[..., [0, 0, 0, 1][: pixels.shape[2] + 2]], b"", raster.x, raster.y)
