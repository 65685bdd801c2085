"""Selections without learned weights: GrabCut around a rough selection, K-means by color and place."""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import FloatArray, UInt8Array
from backend.imaging.color.spaces import luminance, to_unit
from backend.imaging.masks import grabcut, kmeans
from backend.imaging.masks.regions import bounding_box, feather, grow, guided_filter
from backend.io.rasters import as_depth, raster, samples
from plugin.client.actions import ResultKind
from plugin.client.image import Box, Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..masks import SELECTION, nothing_found, selected_weights
from .perception import rgb_image

SOFT_RADIUS = 3  # pixels over which a soft edge follows the image
SQUARE = "Select the object roughly: draw a box or a loose outline around it, with some background outside of it."


def grabcut_object(job: Job, context: Context) -> list[Output]:
    """GrabCut: the object that the selection surrounds. A rectangle is a box around it, any other shape a sketch of it.

    Raises OperationError when the selection is empty or covers the layer.
    """
    layer = job.inputs["image"]
    selection, box = outlined(job, context)
    context.progress(0.1, "Separating the object from what is around it", None)
    image, soft = to_unit(rgb_image(layer)), job.parameters["edge"] == "soft"
    if bool((selection[box.window] == 255).all()):
        mask = grabcut.from_box(image, box, soft, context.cancelled)
    else:
        mask = grabcut.from_selection(image, selection, soft, context.cancelled)
    if not mask.any():
        raise nothing_found("object")
    return [output(mask, job, layer, "Object")]


def select_colors(job: Job, context: Context) -> list[Output]:
    """K-means: the clusters of similar color that fill the selection, or without one the middle of the image."""
    layer = job.inputs["image"]
    selection = None
    if "selection" in job.inputs:
        selection = selected_weights(job, context)
    context.progress(0.1, "Dividing the image into clusters", None)
    image = to_unit(rgb_image(layer))
    segmentation = kmeans.segment(
        image,
        int(job.parameters["clusters"]),
        kmeans.Weights(position=float(job.parameters["spatial_weight"])),
        generator=np.random.default_rng(int(job.parameters["seed"])),
        cancelled=context.cancelled,
    )
    mask = kmeans.subject_mask(segmentation, selection)
    if job.parameters["edge"] == "soft":
        context.progress(0.8, "Following the edges", None)
        mask = _softened(mask, image)
    return [output(mask, job, layer, "Colors")]


def outlined(job: Job, context: Context) -> tuple[UInt8Array, Box]:
    """The selection that means an object of the layer, where the layer lies, and its box.

    Raises OperationError when it is empty or covers the layer.
    """
    selection = selected_weights(job, context, SQUARE)
    box = bounding_box(selection)
    assert box is not None  # or it would have been refused
    if selection.all():
        raise OperationError(ErrorCode.BAD_INPUT, "The selection covers the whole layer.", SQUARE)
    return selection, box


def _softened(mask: UInt8Array, image: FloatArray) -> UInt8Array:
    fitted = guided_filter(luminance(image), to_unit(mask), SOFT_RADIUS)
    soft: UInt8Array = as_depth(fitted, "u8")
    return soft


def output(mask: UInt8Array, job: Job, layer: Raster, name: str) -> Output:
    """The mask, grown and feathered as asked for, at the layer's place; nothing where the layer is transparent.

    Args:
        mask: H x W, 0..255.
        job: with the settings.
        layer: that the mask belongs to.
        name: of the result.

    Returns:
        A selection.

    Raises:
        OperationError: nothing is left of it. No selection is replaced by an empty one.
    """
    if pixels := int(job.parameters["grow"]):
        mask = grow(mask, pixels)
    if width := float(job.parameters["feather"]):
        mask = feather(mask, width / 2)  # a Gaussian of sigma s softens over about 2 s
    if layer.format.has_alpha:
        opacity = samples(layer)[..., -1]
        if opacity.min() <= 0:
            mask = mask * (opacity > 0)
    if not mask.any():
        raise OperationError(
            ErrorCode.NOTHING_FOUND, "Nothing is left of what was found.", "Shrink it less, or mark it in another way."
        )
    return Output(ResultKind.SELECTION, name, raster(mask, SELECTION, layer.x, layer.y))
