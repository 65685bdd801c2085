"""Select Dust and Scratches."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, UInt8Array
from backend.imaging.masks.blemishes import blemishes
from backend.io.rasters import as_depth, coverage, rgb
from plugin.client.image import Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found
from .classical import output


def select_dust(job: Job, context: Context) -> list[Output]:
    """The spots and scratches. Raises OperationError where there are none."""
    mask = dust_of(job, context)
    return [output(np.where(mask, 255, 0).astype(np.uint8), job, job.inputs["image"], "Dust and scratches")]


def dust_of(job: Job, context: Context) -> BoolArray:
    """Where the layer has dust and scratches, H x W, with the job's sensitivity and width.

    Raises OperationError where there are none.
    """
    layer, settings = job.inputs["image"], job.parameters
    context.progress(0.0, "Looking for dust and scratches", None)
    found = blemishes(gray_of(layer), float(settings["sensitivity"]), int(settings["widest"]), context.cancelled)
    if layer.format.has_alpha:
        found &= coverage(layer) > 0
    if not found.any():
        raise nothing_found("dust")
    return found


def gray_of(layer: Raster) -> UInt8Array:
    """The luminance, H x W u8, sRGB-encoded."""
    pixels: UInt8Array = as_depth(rgb(layer), "u8")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
