"""The background behind a subject: out of focus, or without color; light and color of either part."""

from __future__ import annotations

import numpy as np

from backend.imaging import stop_if
from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.color.tone import Tone, toned
from backend.imaging.lens_blur import lens_blur
from backend.imaging.matting.foreground import estimate_foreground
from backend.io.rasters import as_depth, depth_of, rgb
from plugin.client.actions import ResultKind, Value
from plugin.client.image import Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..region import BLOCK, applied, subject_or_selected

WIDEST = 0.03  # radius of the largest blur, of the layer's longer side


def blur(job: Job, context: Context) -> list[Output]:
    """The background out of focus behind the subject, or behind what is selected."""
    layer = job.inputs["image"]
    radius = float(job.parameters["strength"]) / 100 * WIDEST * max(layer.width, layer.height)
    return [Output(ResultKind.LAYER, "Blurred background", _apart(job, context, radius))]


def gray(job: Job, context: Context) -> list[Output]:
    """The background's color taken away, or whatever else the settings say of light and color."""
    return [Output(ResultKind.LAYER, "Black-and-white background", _apart(job, context, 0.0))]


def tone(part: str, parameters: dict[str, Value]) -> Tone:
    """The change that the settings ask for, of `background` or `subject`."""
    exposure, saturation, temperature = (
        float(parameters[f"{part}_{name}"]) for name in ("exposure", "saturation", "temperature")
    )
    return Tone(exposure, saturation / 100, temperature / 100)


def _apart(job: Job, context: Context, radius: float) -> Raster:
    """The layer with its two parts treated apart. radius: of the background's blur, in pixels; 0 for none.

    In mixed pixels of the edge the subject is shown in its own colors, so that no rim of the old background stays.
    """
    layer, image = job.inputs["image"], rgb(job.inputs["image"])
    front_tone, back_tone = tone("subject", job.parameters), tone("background", job.parameters)
    if radius < 0.5 and front_tone.neutral and back_tone.neutral:
        return layer
    alpha = subject_or_selected(job, context)
    context.progress(0.6, "Cleaning the edge", None)
    front = estimate_foreground(image, alpha, cancelled=context.cancelled)
    context.progress(0.7, "Changing the background", None)
    back = lens_blur(image, alpha, radius, context.cancelled) if radius >= 0.5 else image
    changed = np.empty_like(image)
    for top in range(0, layer.height, BLOCK):
        stop_if(context.cancelled)
        rows = np.s_[top : top + BLOCK]
        share: FloatArray = alpha[rows][..., None]
        mixed = share * toned(to_unit(front[rows]), front_tone) + (1 - share) * toned(to_unit(back[rows]), back_tone)
        changed[rows] = as_depth(mixed, depth_of(image))
        context.progress(0.8 + 0.2 * top / layer.height, "Putting the parts together", None)
    untouched = (alpha == 1) & front_tone.neutral
    if radius < 0.5 and back_tone.neutral:
        untouched |= alpha == 0
    return applied(layer, changed, np.where(untouched, np.float32(0), np.float32(1)))
