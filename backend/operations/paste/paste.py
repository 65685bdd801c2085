"""Pasting a layer in the light and color of the image that it is put into."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.downsample import reduced
from backend.imaging.grain import add_grain, grain_level
from backend.imaging.masks.regions import bounding_box
from backend.imaging.matting import refine
from backend.imaging.matting.foreground import estimate_foreground
from backend.imaging.poisson.gradient_transfer import estimate_transfer
from backend.imaging.shadow import cast_shadow, contact_shadow
from backend.io.rasters import as_depth, converted, coverage, mask_values, placed, raster, rgb
from plugin.client.actions import ResultKind, Value
from plugin.client.image import Box, PixelFormat, Raster, grown, intersection
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..masks import note_mistakes
from ..masks import selected as selected_part
from .edges import choose_edge
from .encoded import Encoded, Surroundings
from .harmonize import BESIDE, SURROUNDINGS, Circumstances, Options, at_its_own_place, harmonize

LEAST_ALPHA = 1 / 255  # alpha below it is nothing
RIM = BESIDE + 3  # pixels beyond the pasted layer that are looked at pixel by pixel
FULL, SOFTEST = 0.98, 33  # from where a pixel is selected wholly; no edge is softer than so many pixels
OUTLINED = 512  # longest side in pixels at which an outline drawn by hand is taken as exact


def harmonize_layer(job: Job, context: Context) -> list[Output]:
    """The source in the light and color of the target, where it lies."""
    source, target = job.inputs["source"], job.inputs["target"]
    return blend(source, target, job.inputs.get("selection"), job.parameters, context)


def blend(
    source: Raster, target: Raster, selection: Raster | None, parameters: dict[str, Value], context: Context
) -> list[Output]:
    """The new layer, and below it the shadow where one is asked for.

    What is pasted: the source where it is opaque and, if there is a selection, selected. With the edge "seamless" it is
    what is more of both than not, cloned along its outline; with "object" it keeps its soft edge, which with a
    selection is made to follow the image and is decontaminated of the old background; "auto" decides, and a note says
    what for. A selection that is gray, or a slope, and no mere soft edge, is a weight of the paste besides.

    Args:
        source: what is pasted, at its place.
        target: what it is pasted onto.
        selection: what of the source is meant; None: all of it.
        parameters: of the action.
        context: of the job.

    Returns:
        The layer, in the source's format with alpha, and the shadows.

    Raises:
        OperationError: there is nothing to paste, or nothing to paste onto.
    """
    method, edge = str(parameters["method"]), str(parameters["edge"])
    around = _surroundings(source.box, target.box)
    window = intersection(grown(source.box, 0, RIM), around)
    assert window is not None
    wanted = layer_format(source.format, target.format)
    working = replace(wanted, channels=wanted.channels.replace("BGR", "RGB"))
    opacity = placed(coverage(source), source.x, source.y, window)
    known: BoolArray = opacity >= 0.5
    new = _workable(placed(converted(source, working), source.x, source.y, window))
    image = _workable(_part(converted(target, working), target.box, around))
    if target.format.has_alpha:  # where the image is transparent the pasted layer keeps its own colors
        image = image.copy()
        clear = _part(coverage(target) < 0.5, target.box, window)
        np.copyto(_part(image, around, window), new, where=clear[..., None])
    old = _part(image, around, window)
    chosen = weight = None
    if selection is not None:
        note_mistakes(selected_part(selection, source), context)
        chosen = placed(mask_values(selection), selection.x, selection.y, window)
    if chosen is not None and _is_weight(chosen):
        chosen, weight = (chosen >= LEAST_ALPHA).astype(np.float32), chosen
    selected: BoolArray = known if chosen is None else known & (chosen >= 0.5)
    transfer = None
    if selected.any() and edge != "object" and method == "auto":
        transfer = estimate_transfer(new, old, selected, known)
    if edge == "auto":
        edge = "object"
        if selected.any():
            decided = choose_edge(new, selected, known, transfer.agreement if transfer else 0.0)
            edge = decided.kind
            context.notes.append(decided.reason)
    whole = edge == "object"
    in_place = bool(selected.any()) and at_its_own_place(new, old, selected, known)
    if chosen is not None:
        if whole and not in_place:
            new, chosen = _decontaminated(new, chosen, source, window, context)
        opacity = np.minimum(opacity, chosen)
    mask: BoolArray = opacity >= (LEAST_ALPHA if whole else 0.5)
    box = bounding_box(mask)
    if box is None:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "Nothing is left to paste: the pasted layer is transparent where the selection is, or nothing is selected.",
            "Select a part of the pasted layer that lies over the image, or remove the selection.",
        )
    if mask.all():
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "The pasted layer covers all of the image below, so that there is no edge along which to blend it.",
            "Select the part that is to be pasted, or erase the rest of the layer.",
        )
    soft = opacity if whole else None
    opacity = opacity[box.window].copy()  # all of it is as large as a channel of the image in floats
    weight = None if weight is None else weight[box.window].copy()
    del chosen, selected
    new = _continued(new, mask if whole else known)
    del known
    options = Options(method, edge, 0.0 if in_place else float(parameters["strength"]) / 100)
    below = Surroundings(Encoded(image, wanted.linear), window.x - around.x, window.y - around.y)
    blended = harmonize(new, old, mask, wanted.linear, options, context, Circumstances(transfer, soft, below))
    if parameters["grain"]:
        match_grain(Encoded(blended, wanted.linear), below, mask, box)
    alpha = opacity * mask[box.window] if whole else mask[box.window].astype(np.float32)
    if weight is not None:
        alpha, opacity = alpha * weight, opacity * weight
    colors = blended[box.window]
    if working != wanted:
        colors = colors[..., ::-1]
    pixels = np.dstack([as_depth(colors, wanted.depth), as_depth(alpha, wanted.depth)])
    x, y = window[0] + box.x, window[1] + box.y
    outputs = [Output(ResultKind.LAYER, "Harmonized", raster(pixels, wanted, x, y, source.profile))]
    return outputs + shadows(opacity, parameters, wanted, x, y, source.profile)


def shadows(
    alpha: FloatArray, parameters: dict[str, Value], wanted: PixelFormat, x: int, y: int, profile: bytes
) -> list[Output]:
    """The black layers asked for below an object: contact and cast shadow.

    Args:
        alpha: H x W, the object's, 0..1.
        parameters: of the action.
        wanted: format of the layers.
        x: of the alpha's left edge, in pixels of the image.
        y: of its upper edge.
        profile: color profile of the layers.

    Returns:
        No layer, one, or two.
    """
    outputs = []
    if (share := float(parameters["shadow"]) / 100) > 0:
        opacity, room = contact_shadow(alpha)
        layer = _black(opacity * np.float32(share), wanted, x - room, y - room, profile)
        outputs.append(Output(ResultKind.LAYER, "Contact shadow", layer))
    if (share := float(parameters["cast_shadow"]) / 100) > 0:
        direction, length = float(parameters["shadow_direction"]), float(parameters["shadow_length"]) / 100
        opacity, left, top = cast_shadow(alpha, direction, length)
        layer = _black(opacity * np.float32(share), wanted, x + left, y + top, profile)
        outputs.append(Output(ResultKind.LAYER, "Cast shadow", layer))
    return outputs


def match_grain(pasted: Encoded, below: Surroundings, mask: BoolArray, box: Box) -> None:
    """Give the paste as much grain as the image around it has, where it has less.

    Args:
        pasted: H x W x C, changed in place.
        below: what it is pasted onto.
        mask: H x W.
        box: the mask's.
    """
    near = box.padded(RIM, mask.shape).window
    seen = below.around(box, max(box.width, box.height) // 4 + 8)
    free = 1 - placed(mask.view(np.uint8), below.x, below.y, seen)
    around = grain_level(below.image.at(seen.window), free.view(np.bool_))
    inside = grain_level(pasted.at(near), mask[near])
    missing = np.sqrt(np.maximum(np.square(around) - np.square(inside), 0))
    if missing.max() > 0:
        generator = np.random.default_rng(0)  # the same paste comes out the same
        pasted.put(box.window, add_grain(pasted.at(box.window), missing, generator), mask[box.window])


def _black(opacity: FloatArray, wanted: PixelFormat, x: int, y: int, profile: bytes) -> Raster:
    pixels = np.zeros((*opacity.shape, 2 if wanted.channels == "YA" else 4), np.float32)
    pixels[..., -1] = opacity
    return raster(as_depth(pixels, wanted.depth), wanted, x, y, profile)


def _is_weight(chosen: FloatArray) -> bool:
    """Whether a selection, H x W, is one in part: nowhere full, or over more than the width of a soft edge."""
    if chosen.max() < FULL:
        return True
    partial = ((chosen >= LEAST_ALPHA) & (chosen < FULL)).astype(np.uint8)
    square = np.ones((SOFTEST, SOFTEST), np.uint8)
    return bool(cv2.erode(partial, square, borderType=cv2.BORDER_CONSTANT, borderValue=0).any())


def _workable(pixels: AnyArray) -> AnyArray:
    return pixels.astype(np.float32) if pixels.dtype == np.float16 else pixels


def _decontaminated(
    new: AnyArray, chosen: FloatArray, source: Raster, window: Box, context: Context
) -> tuple[AnyArray, FloatArray]:
    """The selected object's colors without its old background's, and its alpha, both on the window."""
    context.progress(0.05, "Following the edge", None)
    image = _workable(placed(rgb(source), source.x, source.y, window))
    shrink = min(1.0, OUTLINED / max(chosen.shape))
    rough = reduced(chosen, (max(1, round(chosen.shape[1] * shrink)), max(1, round(chosen.shape[0] * shrink))))
    alpha: FloatArray = refine.refine(image, rough, cancelled=context.cancelled)
    colors = new if new.shape[2] == 3 else np.repeat(new, 3, 2)
    clean = estimate_foreground(np.ascontiguousarray(colors), alpha, cancelled=context.cancelled)
    return clean[..., : new.shape[2]], alpha


def _surroundings(source: Box, target: Box) -> Box:
    """The part of the target that the source covers, and what is around it."""
    if intersection(source, target) is None:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "The pasted layer does not lie over the image.",
            "Move it to where it is to be pasted.",
        )
    around = intersection(grown(source, SURROUNDINGS, RIM), target)
    assert around is not None
    return around


def _part(pixels: AnyArray, has: Box, wanted: Box) -> AnyArray:
    """What of an array that lies at a box lies in another one within it; a view."""
    y, x = wanted.y - has.y, wanted.x - has.x
    return pixels[y : y + wanted.height, x : x + wanted.width]


def layer_format(source: PixelFormat, target: PixelFormat) -> PixelFormat:
    """The new layer's: the source's with alpha; colored when only the target is."""
    channels = source.channels if source.has_alpha else source.channels + "A"
    if channels == "YA" and target.channels[0] != "Y":
        channels = "RGBA"
    return PixelFormat(channels, source.depth, source.linear)


def _continued(pixels: AnyArray, valid: BoolArray) -> AnyArray:
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
