"""Cutting out: the subject on a layer of its own, or the background made transparent."""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.despill import screen_channel, without_spill
from backend.imaging.color.spaces import to_unit
from backend.imaging.masks.regions import bounding_box
from backend.imaging.matting.foreground import estimate_foreground
from backend.io.rasters import as_depth, converted, coverage, raster, rgb, samples
from plugin.client.actions import ResultKind
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import SELECTION
from ..region import subject_or_selected

DESPILLED = "The light of the {color} screen was taken off the edge. Set Despill to Off to keep it."


def remove_background(job: Job, context: Context) -> list[Output]:
    """The layer without its background, as a new layer of the same size or as a mask of the layer."""
    layer = job.inputs["image"]
    alpha = subject_or_selected(job, context)
    if job.parameters["as"] == "mask":
        mask = as_depth(alpha, "u8")
        return [Output(ResultKind.LAYER_MASK, "Subject", raster(mask, SELECTION, layer.x, layer.y))]
    return [Output(ResultKind.LAYER, "Without background", cut(layer, alpha, context, _keep(job), _despill(job)))]


def cut_out(job: Job, context: Context) -> list[Output]:
    """The subject alone on a new layer no larger than it."""
    layer = job.inputs["image"]
    alpha = subject_or_selected(job, context)
    box = bounding_box(as_depth(alpha, "u8"))
    assert box is not None
    whole = cut(layer, alpha, context, _keep(job), _despill(job))
    pixels = samples(whole)[box.window]
    return [Output(ResultKind.LAYER, "Subject", raster(
        pixels, whole.format, layer.x + box.x, layer.y + box.y, layer.profile
    ))]  # fmt: skip


def _keep(job: Job) -> bool:
    return job.parameters["keep_hidden"] is True


def _despill(job: Job) -> bool:
    return job.parameters["despill"] == "auto"


def cut(layer: Raster, alpha: FloatArray, context: Context, keep_hidden: bool = True, despill: bool = False) -> Raster:
    """The layer with another alpha beside its own, and in its edge the subject's colors free of the background's.

    Args:
        layer: to cut out of.
        alpha: H x W, 0..1.
        context: of the job.
        keep_hidden: below alpha 0 the colors stay; else they are cleared.
        despill: where the background is a green or blue screen its light is taken off the rim, and a note says so.

    Returns:
        A layer of the same size, with alpha.
    """
    wanted = PixelFormat(layer.format.channels.removesuffix("A") + "A", layer.format.depth, layer.format.linear)
    color = converted(layer, wanted)
    alpha = to_unit(as_depth(alpha, wanted.depth))  # what the layer can hold: where that is opaque, nothing changes
    context.progress(0.8, "Cleaning the edge", None)
    clean: AnyArray
    if color.shape[2] == 1:
        clean = estimate_foreground(_plain(np.repeat(color, 3, 2)), alpha, cancelled=context.cancelled)[..., :1]
    else:
        clean = estimate_foreground(_plain(color), alpha, cancelled=context.cancelled)
        if despill and (channel := screen_channel(_plain(rgb(layer)), alpha)) is not None:
            order = slice(None, None, -1 if wanted.channels.startswith("B") else 1)
            clean = without_spill(clean[..., order], alpha, channel)[..., order]
            context.notes.append(DESPILLED.format(color=("green", "blue")[channel - 1]))
    opacity = as_depth(np.multiply(alpha, coverage(layer)) if layer.format.has_alpha else alpha, wanted.depth)
    kind = opacity.dtype
    if not keep_hidden:
        clean[opacity == 0] = 0
    return raster(np.dstack([clean.astype(kind, copy=False), opacity]), wanted, layer.x, layer.y, layer.profile)


def _plain(color: AnyArray) -> AnyArray:
    """Contiguous, and float32 where it is half: what OpenCV takes."""
    return np.ascontiguousarray(color, np.float32 if color.dtype == np.float16 else color.dtype)
