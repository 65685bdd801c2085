"""Pasting a layer so that it belongs into a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backend.imaging.color.spaces import Float
from backend.imaging.downsample import reduced
from backend.imaging.masks.regions import bounding_box
from backend.imaging.matting import refine
from backend.imaging.matting.foreground import estimate_foreground
from backend.imaging.shadow import contact_shadow
from backend.io.rasters import Pixels, as_depth, converted, coverage, mask_values, placed, raster, rgb
from plugin.client.actions import ResultKind, Value
from plugin.client.image import Box, PixelFormat, Raster, grown, intersection
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from .harmonize import SURROUNDINGS, Look, harmonized

Mask = npt.NDArray[np.bool_]
TRACE = 1 / 255  # alpha below it is nothing
OUTLINED = 512  # longest side in pixels at which an outline drawn by hand is taken as exact


def blend(job: Job, context: Context) -> list[Output]:
    """The source made to belong to the target, where it lies."""
    source, target = job.inputs["source"], job.inputs["target"]
    return belonging(source, target, job.inputs.get("selection"), job.parameters, context)


def look(parameters: dict[str, Value]) -> Look:
    """What the parameters that all pasting shares ask for."""
    return Look(str(parameters["method"]), parameters["edge"] == "cutout", float(parameters["strength"]) / 100)


def belonging(
    source: Raster, target: Raster, selection: Raster | None, parameters: dict[str, Value], context: Context
) -> list[Output]:
    """The new layer, in the source's format with alpha, and below it the shadow where one is asked for.

    What is pasted: the source where it is opaque and, if there is a selection, selected. A patch (edge "seam") is what
    is more of both than not, blended along its outline; an object (edge "cutout") keeps its soft edge, which with a
    selection is made to follow the picture and freed of the old background.
    Raises OperationError when there is nothing to paste, or nothing to paste onto.
    """
    wish = look(parameters)
    window = _window(source.box, target.box)
    wanted = _format(source.format, target.format)
    opacity = placed(coverage(source), source.x, source.y, window)
    new = _workable(placed(converted(source, wanted), source.x, source.y, window))
    if selection is not None:
        chosen = placed(mask_values(selection), selection.x, selection.y, window)
        if wish.cutout:
            new, chosen = _freed(new, chosen, source, window, context)
        opacity = np.minimum(opacity, chosen)
    mask: Mask = opacity >= (TRACE if wish.cutout else 0.5)
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
    new = _continued(new, mask if wish.cutout else placed(coverage(source) >= 0.5, source.x, source.y, window))
    old = _workable(placed(converted(target, wanted), target.x, target.y, window))
    if target.format.has_alpha:  # where the picture is transparent the pasted layer keeps its own colors
        old = np.where(placed(coverage(target) < 0.5, target.x, target.y, window)[..., None], new, old)
    blended = harmonized(new, old, mask, wanted.linear, wish, context)
    alpha = opacity[box.window] * mask[box.window] if wish.cutout else mask[box.window].astype(np.float32)
    pixels = np.dstack([as_depth(blended[box.window], wanted.depth), as_depth(alpha, wanted.depth)])
    x, y = window[0] + box.x, window[1] + box.y
    outputs = [Output(ResultKind.LAYER, "Blended", raster(pixels, wanted, x, y, source.profile))]
    if (share := float(parameters["shadow"]) / 100) > 0:
        outputs.append(shadow(opacity[box.window], share, wanted, x, y, source.profile))
    return outputs


def shadow(alpha: Float, strength: float, wanted: PixelFormat, x: int, y: int, profile: bytes) -> Output:
    """A black layer with the contact shadow of an object whose alpha (H x W) lies at x, y."""
    opacity, room = contact_shadow(alpha)
    pixels = np.zeros((*opacity.shape, 2 if wanted.channels == "YA" else 4), np.float32)
    pixels[..., -1] = opacity * strength
    layer = raster(as_depth(pixels, wanted.depth), wanted, x - room, y - room, profile)
    return Output(ResultKind.LAYER, "Contact shadow", layer)


def _workable(pixels: Pixels) -> Pixels:
    return pixels.astype(np.float32) if pixels.dtype == np.float16 else pixels


def _freed(new: Pixels, chosen: Float, source: Raster, window: Box, context: Context) -> tuple[Pixels, Float]:
    """The selected object's colors without its old background's, and its alpha, both on the window."""
    context.progress(0.05, "Following the edge", None)
    picture = _workable(placed(rgb(source), source.x, source.y, window))
    shrink = min(1.0, OUTLINED / max(chosen.shape))
    rough = reduced(chosen, (max(1, round(chosen.shape[1] * shrink)), max(1, round(chosen.shape[0] * shrink))))
    alpha: Float = refine.refine(picture, rough, cancelled=context.cancelled)
    colors = new if new.shape[2] == 3 else np.repeat(new, 3, 2)
    clean = estimate_foreground(np.ascontiguousarray(colors), alpha, cancelled=context.cancelled)
    return clean[..., : new.shape[2]], alpha


def _window(source: Box, target: Box) -> Box:
    """The part of the target that the source covers, and what is around it."""
    if intersection(source, target) is None:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "The pasted layer does not lie over the picture.",
            "Move it to where it is to be pasted.",
        )
    window = intersection(grown(source, SURROUNDINGS, 2), target)
    assert window is not None
    return window


def _format(source: PixelFormat, target: PixelFormat) -> PixelFormat:
    """The new layer's: the source's with alpha; colored when only the target is."""
    channels = source.channels if source.has_alpha else source.channels + "A"
    if channels == "YA" and target.channels[0] != "Y":
        channels = "RGBA"
    return PixelFormat(channels, source.depth, source.linear)


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
    """Index of all pixels that have a neighbor at -dy, -dx, and of these neighbors."""

    def pair(step: int) -> tuple[slice, slice]:
        if step == 0:
            return slice(None), slice(None)
        return (slice(1, None), slice(None, -1)) if step > 0 else (slice(None, -1), slice(1, None))

    (here_y, there_y), (here_x, there_x) = pair(dy), pair(dx)
    return (here_y, here_x), (there_y, there_x)
