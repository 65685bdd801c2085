"""What a fill becomes: a layer to lie over the hole, or the layer with its hole filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.hidden import continued
from backend.imaging.masks.regions import bounding_box
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.io.rasters import as_depth, raster, samples
from plugin.client.actions import ResultKind
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Output


@dataclass(frozen=True)
class Fill:
    """A filled image, H x W x 3, sRGB-encoded; its hole; how far each pixel becomes the fill; and the layer's own
    opacity, H x W each."""

    image: FloatArray
    hole: npt.NDArray[np.bool_]
    alpha: FloatArray
    opacity: FloatArray

    def opacity_inside(self) -> FloatArray:
        """The fill's own opacity: in the hole, the surroundings' goes on smoothly."""
        outside = self.opacity[~self.hole]
        if not outside.size or float(outside.min()) == float(outside.max()):
            return np.full_like(self.opacity, outside[0] if outside.size else 1)
        initial = continued(self.opacity[..., None], self.hole)[..., 0]
        found: FloatArray = seamless_clone(initial, self.opacity, self.hole)
        return np.clip(found, 0, 1)


def as_layer(fill: Fill, name: str, part: Raster, layer: Raster) -> Output:
    """The hole's box as a layer of the layer's format with alpha.

    Args:
        fill: what the hole is filled with.
        name: of the new layer.
        part: what the fill shows of the layer.
        layer: that is filled.

    Returns:
        A layer no larger than the hole.
    """
    box = bounding_box(fill.hole)
    assert box is not None  # there is a hole
    form = layer.format
    if not form.has_alpha:
        form = replace(form, channels=form.channels + "A")
    alpha = (fill.alpha * fill.opacity_inside())[box.window] if layer.format.has_alpha else fill.alpha[box.window]
    pixels = np.dstack([_colors(fill.image[box.window], form), as_depth(alpha, form.depth)])
    return Output(ResultKind.LAYER, name, raster(pixels, form, part.x + box.x, part.y + box.y, layer.profile))


def as_copy(fill: Fill, name: str, part: Raster, layer: Raster) -> Output:
    """The whole layer, bit-identical but for the hole, in which color and alpha are mixed by the fill's weight.

    Args:
        fill: what the hole is filled with.
        name: of the new layer.
        part: what the fill shows of the layer.
        layer: that is filled.

    Returns:
        A layer of the layer's size.
    """
    form, result = layer.format, samples(layer).copy()
    there = np.s_[part.y - layer.y :, part.x - layer.x :]
    window = result[there][: part.height, : part.width]
    touched = fill.alpha > 0
    weight = fill.alpha[touched][:, None]
    old, new = to_unit(window[touched]), to_unit(_colors(fill.image, form)[touched])
    if form.has_alpha:
        before, after = (1 - weight) * old[:, -1:], weight * fill.opacity_inside()[touched][:, None]
        alpha = before + after
        mixed = (before * old[:, :-1] + after * new) / np.maximum(alpha, np.float32(1e-6))
        mixed = np.concatenate([mixed, alpha], axis=1)
    else:
        mixed = (1 - weight) * old + weight * new
    window[touched] = as_depth(mixed.astype(np.float32), form.depth)
    return Output(ResultKind.LAYER, name, raster(result, form, layer.x, layer.y, layer.profile))


def _colors(unit: FloatArray, form: PixelFormat) -> AnyArray:
    """Without alpha: H x W x 1 or 3 in the format's order and depth."""
    if form.channels[0] == "Y":
        unit = unit[..., :1]
    return as_depth(unit[..., ::-1] if form.channels[0] == "B" else unit, form.depth)
