"""Pasting a layer so that it belongs into the picture below it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backend.imaging.poisson import seamless_clone
from backend.imaging.regions import bounding_box
from backend.pixels import Pixels, as_depth, converted, coverage, mask_values, placed, raster
from plugin.client.actions import ResultKind
from plugin.client.jobs import ErrorCode, Job, Output
from plugin.client.raster import PixelFormat
from plugin.client.region import Box, intersection

from . import Context, OperationError

Mask = npt.NDArray[np.bool_]


def blend_poisson(job: Job, context: Context) -> list[Output]:
    """Poisson seamless cloning of the source onto the target.

    What is pasted: the pixels of the source that are more opaque than not and, where there is a selection, more
    selected than not. The new layer holds these pixels alone, in the source's format with alpha.
    Raises OperationError when there is nothing to paste, or nothing to paste onto.
    """
    source, target = job.inputs["source"], job.inputs["target"]
    window = _window(source.box, target.box)
    wanted = _format(source.format, target.format)
    valid = placed(coverage(source) >= 0.5, source.x, source.y, window)
    mask = valid & _selected(job, window)
    box = bounding_box(mask)
    if box is None:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "Nothing is left to paste: the pasted layer is transparent where the selection is, or nothing is selected.",
            "Select a part of the pasted layer that lies over the picture, or remove the selection.",
        )
    if mask.all():
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "The pasted layer covers all of the picture below, so that there is no edge along which to blend it.",
            "Select the part that is to be pasted, or erase the rest of the layer.",
        )
    new = placed(converted(source, wanted), source.x, source.y, window)
    old = placed(converted(target, wanted), target.x, target.y, window)
    bare = placed(coverage(target) < 0.5, target.x, target.y, window) if target.format.has_alpha else None
    depth = new.dtype
    if depth == np.float16:
        new, old = new.astype(np.float32), old.astype(np.float32)
    new = _continued(new, valid)
    if bare is not None:  # where the picture is transparent the pasted layer keeps its own colours
        old = np.where(bare[..., None], new, old)
    blended = seamless_clone(
        new,
        old,
        mask,
        mixed=job.parameters["gradients"] == "mixed",
        device=context.device,
        progress=lambda fraction: context.progress(fraction, "Blending", None),
        cancelled=context.cancelled,
    )
    alpha = as_depth(mask[box.window].astype(np.float32), wanted.depth)[..., None]
    pixels = np.concatenate([blended[box.window].astype(depth), alpha], axis=2)
    layer = raster(pixels, wanted, window[0] + box.x, window[1] + box.y, source.profile)
    return [Output(ResultKind.LAYER, "Blended", layer)]


def _window(source: Box, target: Box) -> Box:
    """The part of the target that the source covers, and two pixels around it."""
    if intersection(source, target) is None:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "The pasted layer does not lie over the picture.",
            "Move it to where it is to be pasted.",
        )
    x, y, width, height = source
    window = intersection((x - 2, y - 2, width + 4, height + 4), target)
    assert window is not None
    return window


def _format(source: PixelFormat, target: PixelFormat) -> PixelFormat:
    """The new layer's: the source's with alpha; coloured when only the target is."""
    channels = source.channels if source.has_alpha else source.channels + "A"
    if channels == "YA" and target.channels[0] != "Y":
        channels = "RGBA"
    return PixelFormat(channels, source.depth, source.linear)


def _selected(job: Job, window: Box) -> Mask | np.bool_:
    selection = job.inputs.get("selection")
    if selection is None:
        return np.True_
    inside: Mask = placed(mask_values(selection) >= 0.5, selection.x, selection.y, window)
    return inside


def _continued(pixels: Pixels, valid: Mask) -> Pixels:
    """Pixels with a rim beyond `valid` that repeats its edge: there is no gradient across the source's own end."""
    result, known = pixels.copy(), valid.copy()
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        here, there = _shifted(dy, dx)
        rim = valid[there] & ~known[here]
        result[here][rim] = pixels[there][rim]
        known[here] |= rim
    return result


def _shifted(dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Index of all pixels that have a neighbour at -dy, -dx, and of these neighbours."""

    def pair(step: int) -> tuple[slice, slice]:
        if step == 0:
            return slice(None), slice(None)
        return (slice(1, None), slice(None, -1)) if step > 0 else (slice(None, -1), slice(1, None))

    (here_y, there_y), (here_x, there_x) = pair(dy), pair(dx)
    return (here_y, here_x), (there_y, there_x)
