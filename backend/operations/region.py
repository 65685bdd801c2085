"""Which part of a layer a change is for, and the change put into that part alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.io.rasters import converted, from_array, raster, samples
from plugin.client.image import Raster
from plugin.client.messages import Job

from . import Context
from .masks import nothing_found, selected_weights
from .selection.subject import subject_alpha

BLOCK = 256  # rows that are mixed at once
_T = TypeVar("_T")


def subject_or_selected(job: Job, context: Context) -> FloatArray:
    """Alpha of what is selected, where there is a selection, else of the subject; H x W.

    Raises OperationError when there is neither.
    """
    if "selection" in job.inputs:
        return selected_alpha(job, context)
    alpha = subject_alpha(job, context)
    if alpha.max() < 0.5:
        raise nothing_found("subject")
    return alpha


def selected_alpha(job: Job, context: Context) -> FloatArray:
    """The selection where the layer lies, H x W. Raises OperationError when nothing of the layer is selected."""
    return to_unit(selected_weights(job, context))


def region_mask(region: str, job: Job, context: Context) -> FloatArray | None:
    """How far each pixel is of a region, H x W; None for the whole layer.

    region: `whole`, `selection`, `subject`, `background`; for the last two a selection means the subject unless the
    region is itself a parameter. Raises OperationError when there is nothing of that kind.
    """
    if region == "whole":
        return None
    if region == "selection":
        return selected_alpha(job, context)
    if "region" in job.parameters:
        job = replace(job, inputs={"image": job.inputs["image"]})
    alpha = subject_or_selected(job, context)
    return alpha if region == "subject" else np.subtract(np.float32(1), alpha)


def run_concurrently(
    first: Callable[[Context], _T], second: Callable[[Context], FloatArray | None], context: Context
) -> tuple[_T, FloatArray | None]:
    """What both give, run side by side; progress is that of the first."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(second, replace(context, progress=Context().progress))
        return first(context), running.result()


def applied(layer: Raster, changed: AnyArray, share: FloatArray | None) -> Raster:
    """The layer with `changed` (H x W x 3 RGB, sRGB-encoded, integers or 0..1) in the part that `share` gives.

    In the layer's format, place and profile, its alpha kept; pixels whose share is 0 come back bit-identical.
    """
    form, own = layer.format, samples(layer)
    channels = own.shape[2] - form.has_alpha
    plain = replace(form, channels=form.channels.removesuffix("A"))
    result = own.copy()
    for top in range(0, layer.height, BLOCK):
        rows = np.s_[top : top + BLOCK]
        if share is not None and not share[rows].any():
            continue
        new = converted(from_array(changed[rows]), plain)
        if share is not None:
            new = _mixed(own[rows, :, :channels], new, share[rows])
        result[rows, :, :channels] = new
    return raster(result, form, layer.x, layer.y, layer.profile)


def _mixed(old: AnyArray, new: AnyArray, share: FloatArray) -> AnyArray:
    weight = share[..., None]
    mixed = old.astype(np.float32) * (1 - weight) + new.astype(np.float32) * weight
    if old.dtype.kind == "u":
        mixed = np.rint(mixed)
    return np.where(weight > 0, mixed.astype(old.dtype), old)
