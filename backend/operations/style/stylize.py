"""Styles: a layer, its background or its subject repainted in the style of paintings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.color.tone import with_colors_of
from backend.imaging.downsample import reduced
from backend.io.rasters import as_depth, coverage, depth_of, raster
from models.zoo.style_presets import PRESETS
from plugin.client.actions import ResultKind
from plugin.client.actions.style import TONES, painting
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..region import BLOCK, applied, region_mask, run_concurrently
from ..selection.perception import exposure_of, rgb_image
from .network import mixture, network, stroke_size, stylized
from .tones import keep_tones

if TYPE_CHECKING:
    from models.networks.transformer_net import TransformerNet

PREVIEW = 128  # longer side of a style's thumbnail, in pixels
SEEN = 6  # a preview is painted at so many times its size, so that strokes are about as small in it as in the result
RGBA = PixelFormat("RGBA", "u8")


def style_preset(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, in a preset's style."""
    return _styled(str(job.parameters["region"]), job, context)


def style_background(job: Job, context: Context) -> list[Output]:
    """Everything but the subject (or what is selected) in a preset's style."""
    return _styled("background", job, context)


def style_subject(job: Job, context: Context) -> list[Output]:
    """The subject (or what is selected) in a preset's style."""
    return _styled("subject", job, context)


def style_previews(job: Job, context: Context) -> list[Output]:
    """The layer, small, in each style: outputs named "STYLE: YEAR"."""
    net = network(context)
    styles = [(name, preset.painting.rpartition(", ")[2], lambda: net) for name, preset in PRESETS.items()]
    return thumbnails(job.inputs["image"], styles, context)


def thumbnails(
    layer: Raster, styles: Sequence[tuple[str, str, Callable[[], TransformerNet]]], context: Context
) -> list[Output]:
    """The layer, small, in each of the styles, which are given by name, note and network: outputs "NAME: NOTE"."""
    image = opaque(layer)
    shrink = min(1.0, SEEN * PREVIEW / max(image.shape[:2]))
    size = max(1, round(layer.width * shrink)), max(1, round(layer.height * shrink))
    small = as_depth(reduced(image, size), "u8")
    shrink = min(1.0, PREVIEW / max(size))
    size = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    alpha = as_depth(reduced(coverage(layer), size), "u8")
    outputs = []
    for done, (name, note, net) in enumerate(styles):
        context.progress(done / len(styles), "Painting thumbnails", None)
        painted = stylized(small, net(), {name: 1.0}, 1.0, context)
        keep_tones(small, painted, float(TONES.default) / 100)
        shown = np.dstack([reduced(painted, size), alpha])
        outputs.append(Output(ResultKind.LAYER, f"{name}: {note}", raster(shown, RGBA, layer.x, layer.y)))
    return outputs


def repainted(
    paint: Callable[[AnyArray, Context], AnyArray], title: str, region: str, job: Job, context: Context
) -> list[Output]:
    """What a painter makes of the layer, in the region asked for.

    The job's `keep_colors` takes light and dark of it alone; a `strength` of 0 leaves the layer as it is, bit for bit.

    Args:
        paint: makes the layer's opaque colors, H x W x 3, into others of their size and type.
        title: of the new layer.
        region: a value of the action's parameter `region`.
        job: with the layer and the settings.
        context: of the job.

    Returns:
        The new layer.
    """
    layer, settings = job.inputs["image"], job.parameters

    def painted(context: Context) -> AnyArray:
        if not settings["strength"]:
            return rgb_image(layer)
        context.progress(0.05, "Painting", None)
        image = opaque(layer)
        result = paint(image, context)
        keep_tones(image, result, float(settings["preserve_tones"]) / 100)
        if settings["keep_colors"]:
            result = _recolored(image, result)
        exposure = exposure_of(layer)
        return result if exposure.neutral else exposure.undone(result)

    changed, share = run_concurrently(painted, lambda context: region_mask(region, job, context), context)
    if not settings["strength"]:
        share = np.zeros(changed.shape[:2], np.float32)
    context.progress(0.95, "Putting the parts together", None)
    return [Output(ResultKind.LAYER, title, applied(layer, changed, share))]


def _styled(region: str, job: Job, context: Context) -> list[Output]:
    settings = job.parameters
    strength, mix = (float(settings[name]) / 100 for name in ("strength", "mix"))
    weights = mixture(str(settings["style"]), strength, str(settings["second_style"]), mix)
    net = network(context)

    def paint(image: AnyArray, context: Context) -> AnyArray:
        return stylized(
            image, net, weights, stroke_size(settings, image), context,
            lambda fraction: context.progress(0.05 + 0.85 * fraction, "Painting", None),
        )  # fmt: skip

    return repainted(paint, painting(str(settings["style"])), region, job, context)


def opaque(layer: Raster) -> AnyArray:
    """The layer's colors (see `perception.rgb_image`), in place of what is transparent the mean of what is not.

    What lies hidden under transparency would else have its part in the image's statistics.
    """
    image = rgb_image(layer)
    if not layer.format.has_alpha:
        return image
    alpha = coverage(layer)
    total = float(alpha.sum(dtype=np.float64))
    if total in (0.0, float(alpha.size)):
        return image
    mean = np.array([np.vdot(to_unit(image[..., c]), alpha) for c in range(3)], np.float32) / np.float32(total)
    flat = image.copy()
    for top in range(0, layer.height, BLOCK):
        rows = np.s_[top : top + BLOCK]
        weight: FloatArray = alpha[rows][..., None]
        flat[rows] = as_depth(to_unit(image[rows]) * weight + mean * (1 - weight), depth_of(image))
    return flat


def _recolored(image: AnyArray, painted: AnyArray) -> AnyArray:
    for top in range(0, len(image), BLOCK):
        rows = np.s_[top : top + BLOCK]
        painted[rows] = as_depth(with_colors_of(to_unit(image[rows]), to_unit(painted[rows])), depth_of(image))
    return painted
