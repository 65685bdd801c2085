"""Content-aware fill: a hole filled with what is around it, as a new layer."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from backend.imaging.inpainting.patch_fill import inpaint
from backend.imaging.inpainting.shadow_halo import shadow_halo_mask
from backend.imaging.masks.regions import bounding_box, grow
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.io.rasters import as_depth, coverage, from_array, placed, raster, rgb, samples
from plugin.client.actions import BY_NAME, ResultKind
from plugin.client.image import Box, PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..selection.classical import selected
from ..selection.subject import select_object, select_subject
from .structure_prior import network, structure_prior

TOUCHED = 26  # of 255: what is selected less than this is not removed
LEAST = 64  # pixels around the hole to take patches from, however small it is
WIDEST = 2048  # pixels around the hole that are looked at, however large the layer is
PREVIEW = 512  # longest side of a preview, pixels
NOTHING_LEFT = "Nothing is left to fill the selection with."
SMALLER = "Make the selection smaller, or widen the sampling area."


def fill_selection(job: Job, context: Context) -> list[Output]:
    """The selection filled with what is around it.

    Each variant is a layer of the hole's region in the layer's format with alpha; around the hole it is transparent.
    Raises OperationError when nothing is selected, or nothing is left to fill it with.
    """
    layer = job.inputs["image"]
    mask = selected(job.inputs["selection"], layer) >= TOUCHED
    if not mask.any():
        raise OperationError(
            ErrorCode.BAD_INPUT, "Nothing of this layer is selected.", "Select what is to be removed, then try again."
        )
    return _fill(mask, job, context)


def remove_subject(job: Job, context: Context) -> list[Output]:
    """The layer's subject found, and filled as `fill_selection` does."""
    return _remove("select.subject", "Nothing in this layer stands out as its subject.", job, context)


def remove_object(job: Job, context: Context) -> list[Output]:
    """The object that the selection means found, and filled as `fill_selection` does."""
    return _remove("select.object", "No object was found there.", job, context)


def _remove(selecting: str, nothing: str, job: Job, context: Context) -> list[Output]:
    def searching(done: float, message: str = "", preview: Raster | None = None) -> None:
        context.progress(0.3 * done, message, preview)

    def filling(done: float, message: str = "", preview: Raster | None = None) -> None:
        context.progress(0.3 + 0.7 * done, message, preview)

    select = select_subject if selecting == "select.subject" else select_object
    notes = len(context.notes)
    (found,) = select(Job(selecting, BY_NAME[selecting].check({}), job.inputs), replace(context, progress=searching))
    mask = selected(found.raster, job.inputs["image"]) >= TOUCHED
    if not mask.any():
        del context.notes[notes:]  # they say the same
        raise OperationError(
            ErrorCode.BAD_INPUT, nothing, "Select what is to be removed and choose Fill > Content-Aware Fill."
        )
    return _fill(mask, job, replace(context, progress=filling))


def _fill(mask: BoolArray, job: Job, context: Context) -> list[Output]:
    """mask: H x W of the layer."""
    layer, settings = job.inputs["image"], job.parameters
    widen, variants = int(settings["grow"]), int(settings["variants"])
    inner = bounding_box(mask)
    assert inner is not None  # the callers have looked
    box = inner.padded(widen, mask.shape)
    around = max(LEAST, round(int(settings["sampling_radius"]) / 100 * max(box.width, box.height)))
    view = box.padded(WIDEST if settings["area"] == "everywhere" else around, mask.shape)
    part = _cropped(layer, view)
    hole = grow(mask[view.window].astype(np.uint8) * 255, widen) > 0
    image = _encoded(part)
    seen = coverage(part) >= 0.5
    if widen and settings["shadow_halo"]:
        hole |= shadow_halo_mask(image, hole, seen & ~hole)
    known = seen & ~hole
    usable = known.copy()
    if (other := job.inputs.get("source")) is not None:
        usable &= placed(_painted(other), other.x, other.y, part.box) >= 0.5
    if not usable.any():
        raise OperationError(ErrorCode.BAD_INPUT, NOTHING_LEFT, SMALLER)
    estimate = _initial_estimate(image, hole, known, str(settings["method"]), context)
    inside = bounding_box(hole)
    assert inside is not None
    alpha = _edge(hole, float(settings["feather"]))[inside.window]
    form = _with_alpha(layer.format)
    if settings["method"] == "network":
        assert estimate is not None  # or it would have been refused
        smooth = seamless_clone(estimate, image, ~known, device=context.device, cancelled=context.cancelled)
        return [_layer(smooth, alpha, inside, "Fill", form, part)]
    outputs = []
    for number in range(variants):

        def report(fraction: float, number: int = number) -> None:
            context.progress((number + fraction) / variants, "Filling", None)

        def show(picture: FloatArray, number: int = number) -> None:
            context.progress(number / variants, "Filling", _small(picture, part))

        try:
            filled = inpaint(
                image, hole, usable, estimate, seed=int(settings["seed"]) + number, device=context.device,
                progress=report, cancelled=context.cancelled, preview=show if number == 0 else None,
            )  # fmt: skip
        except ValueError as error:
            raise OperationError(ErrorCode.BAD_INPUT, NOTHING_LEFT, SMALLER) from error
        name = "Fill" if variants == 1 else f"Fill {number + 1}"
        outputs.append(_layer(filled, alpha, inside, name, form, part))
    return outputs


def _initial_estimate(
    image: FloatArray, hole: BoolArray, known: BoolArray, method: str, context: Context
) -> FloatArray | None:
    """The network's picture; None where it is not wanted, or is not there and need not be."""
    if method == "patches":
        return None
    context.progress(0.0, "Estimating what is in the hole", None)
    found = network(context)
    if found is not None:
        return structure_prior(image, hole, known, found, context)
    if method == "auto":
        return None
    raise OperationError(
        ErrorCode.BAD_PARAMETER,
        "The weights of the filling network are not on this machine.",
        "Choose the method 'Patches only'.",
    )


def _layer(filled: FloatArray, alpha: FloatArray, inside: Box, name: str, form: PixelFormat, part: Raster) -> Output:
    """The hole's box of a filled part as a layer of the given format."""
    pixels = np.concatenate([_decoded(filled[inside.window], form), as_depth(alpha, form.depth)[..., None]], axis=2)
    layer = raster(pixels, form, part.x + inside.x, part.y + inside.y, part.profile)
    return Output(ResultKind.LAYER, name, layer)


def _cropped(layer: Raster, box: Box) -> Raster:
    return raster(samples(layer)[box.window], layer.format, layer.x + box.x, layer.y + box.y, layer.profile)


def _painted(other: Raster) -> FloatArray:
    """Where patches may be taken from: the opaque part of a layer; the bright part of one without transparency."""
    return coverage(other) if other.format.has_alpha else to_unit(rgb(other)).mean(2)


def _encoded(part: Raster) -> FloatArray:
    """H x W x 3, sRGB-encoded. Unlike `pixels.colors` it keeps what is brighter than white."""
    unit = to_unit(rgb(part))
    if part.format.linear:
        unit = linear_to_srgb(unit)
    return np.nan_to_num(unit, nan=0.0, posinf=1.0, neginf=0.0)


def _decoded(unit: FloatArray, form: PixelFormat) -> AnyArray:
    """The inverse of `_encoded`, without alpha: H x W x 1 or 3 in the format's order, depth and encoding."""
    if form.linear:
        unit = srgb_to_linear(unit)
    if form.channels[0] == "Y":
        unit = unit[..., :1]
    return as_depth(unit[..., ::-1] if form.channels[0] == "B" else unit, form.depth)


def _with_alpha(form: PixelFormat) -> PixelFormat:
    return form if form.has_alpha else PixelFormat(form.channels + "A", form.depth, form.linear)


def _edge(hole: BoolArray, feather: float) -> FloatArray:
    """Alpha of the fill: rises inwards from the hole's outline over `feather` pixels; sharp at the picture's border."""
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(distance / (feather + 1), 0, 1), np.float32)


def _small(picture: FloatArray, part: Raster) -> Raster:
    """What a level looks like, at most PREVIEW pixels wide and high, at the place of the part."""
    shrink = PREVIEW / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return from_array(as_depth(picture, "u8"), x=part.x, y=part.y)
