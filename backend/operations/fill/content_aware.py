"""Content-aware fill: a hole filled with what is around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging import Execution
from backend.imaging.arrays import BoolArray, FloatArray, UInt8Array
from backend.imaging.color.exposure import Exposure
from backend.imaging.color.spaces import to_unit
from backend.imaging.hidden import continued
from backend.imaging.inpainting.diffusion import diffused
from backend.imaging.inpainting.patch_fill import inpaint
from backend.imaging.masks.regions import bounding_box
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.io.rasters import as_depth, coverage, cropped, from_array, placed, rgb
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..masks import selected_weights
from .hole import TOUCHED, edge, hole_of, small_parts, with_shadow
from .result import Fill, as_copy, as_layer
from .structure_prior import network, structure_prior

LEAST = 64  # pixels around the hole to take patches from, however small it is
WIDEST = 2048  # pixels around the hole that are looked at, however large the layer is
PREVIEW = 512  # longest side of a preview, pixels
NOTHING_LEFT = "Nothing is left to fill the selection with."
SMALLER = "Make the selection smaller, or widen the sampling area."
TOO_LITTLE = "Too little is left around the hole to take patches from: it is filled smoothly, without texture."


def fill_selection(job: Job, context: Context) -> list[Output]:
    """The selection filled with what is around it.

    Each variant is a layer of the hole's region in the layer's format with alpha, transparent around the hole; or the
    whole layer with the hole filled. A selection is a weight: what is half selected becomes half the fill.
    Raises OperationError when nothing is selected, or nothing is left to fill it with.
    """
    return fill_mask(selected_weights(job, context), job, context)


def fill_mask(weights: UInt8Array, job: Job, context: Context) -> list[Output]:
    """The layer filled where `weights`, H x W of the layer, 0..255, say, as `fill_selection` does.

    Raises OperationError when hardly anything is selected, or nothing is left to fill it with.
    """
    layer, settings = job.inputs["image"], job.parameters
    weights = np.where(weights >= TOUCHED, weights, 0).astype(np.uint8)
    inner = bounding_box(weights)
    if inner is None:
        raise OperationError(ErrorCode.BAD_INPUT, "Hardly anything is selected.", "Select it more firmly.")
    widen = int(settings["grow"])
    box = inner.padded(widen, weights.shape)
    around = max(LEAST, round(int(settings["sampling_radius"]) / 100 * max(box.width, box.height)))
    context_box = box.padded(WIDEST if settings["area"] == "everywhere" else around, weights.shape)
    part = cropped(layer, context_box)
    weights, soft = hole_of(weights[context_box.window], widen, float(settings["feather"]))
    hole, image, opacity = weights > 0, to_unit(rgb(part)), coverage(part)
    most = float(opacity[~hole].max(initial=0))
    seen = (opacity > 0) & (opacity >= most / 2)
    if widen and settings["shadow_halo"]:
        shadow = with_shadow(image, hole, seen)
        weights[shadow], soft[shadow], hole = 255, min(widen, float(settings["feather"])), hole | shadow
    known = seen & ~hole
    usable = known.copy()
    if (other := job.inputs.get("source")) is not None:
        usable &= placed(_painted(other), other.x, other.y, part.box) >= 0.5
    if not usable.any():
        raise OperationError(ErrorCode.BAD_INPUT, NOTHING_LEFT, SMALLER)
    exposure = Exposure.of(image)
    crop = _Crop(exposure.applied(image), hole, known, usable, part, job, context)
    alpha = edge(hole, soft) * (weights * np.float32(1 / 255))
    finish = as_copy if settings["as"] == "copy" else as_layer
    outputs = []
    for number, filled in enumerate(_variants(crop)):
        name = "Fill" if settings["variants"] == 1 else f"Fill {number + 1} of {settings['variants']}"
        outputs.append(finish(Fill(exposure.undone(filled), hole, alpha, opacity), name, part, layer))
    return outputs


@dataclass(frozen=True)
class _Crop:
    """What is seen of the layer: an image H x W x 3, 0..1, sRGB-encoded, and what is known of it, H x W each."""

    image: FloatArray
    hole: BoolArray
    known: BoolArray
    usable: BoolArray
    part: Raster
    job: Job
    context: Context


def _variants(crop: _Crop) -> Iterator[FloatArray]:
    """The image with its hole filled, as often as asked for: small parts by diffusion, large ones by patches."""
    settings, context = crop.job.parameters, crop.context
    variants, method = int(settings["variants"]), str(settings["method"])
    small = small_parts(crop.hole)
    image, known = crop.image, crop.known
    if small.any():
        image = np.where(small[..., None], diffused(image, crop.hole, context.cancelled), image)
        known = known | small
    hole = crop.hole & ~small
    if not hole.any():
        for _ in range(variants):
            yield image
        return
    estimate = _initial_estimate(image, hole, known, method, context)
    if method == "network":
        yield _smooth(image, known, estimate, context)
        return
    for number in range(variants):

        def report(fraction: float, number: int = number) -> None:
            context.progress((number + fraction) / variants, "Filling", None)

        def show(preview: FloatArray, number: int = number) -> None:
            context.progress(number / variants, "Filling", _small(preview, crop.part))

        try:
            yield inpaint(
                image,
                hole,
                crop.usable,
                estimate,
                seed=int(settings["seed"]) + number,
                execution=Execution(context.device, report, context.cancelled, show if number == 0 else None),
            )
        except ValueError:  # there is no whole patch
            context.notes.append(TOO_LITTLE)
            if estimate is None and method != "auto":
                estimate = _initial_estimate(image, hole, known, "auto", context)
            yield _smooth(image, known, estimate, context)
            return


def _smooth(image: FloatArray, known: BoolArray, estimate: FloatArray | None, context: Context) -> FloatArray:
    """The image with the network's estimate in its hole, or a smooth continuation, fitted to its surroundings."""
    if estimate is None:
        estimate = continued(image, ~known)
    found: FloatArray = seamless_clone(
        estimate, image, ~known, execution=Execution(context.device, cancelled=context.cancelled)
    )
    return found


def _initial_estimate(
    image: FloatArray, hole: BoolArray, known: BoolArray, method: str, context: Context
) -> FloatArray | None:
    """The network's image; None where it is not wanted, or is not there and need not be."""
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
        "Choose the method 'Automatic' or 'Patches only'.",
    )


def _painted(other: Raster) -> FloatArray:
    """Where patches may be taken from: the opaque part of a layer; the bright part of one without transparency."""
    return coverage(other) if other.format.has_alpha else to_unit(rgb(other)).mean(2)


def _small(image: FloatArray, part: Raster) -> Raster:
    """What a level looks like, at most PREVIEW pixels wide and high, at the place of the part."""
    shrink = PREVIEW / max(image.shape[:2])
    if shrink < 1:
        size = max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return from_array(as_depth(image, "u8"), x=part.x, y=part.y)
