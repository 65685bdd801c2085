"""Images of any depth and encoding as sRGB-encoded floats, a part at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, IndexArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from plugin.client.image import Box


class Encoded:
    """Part of an image as H x W x 3 float32, sRGB-encoded, whatever the image's own values; and back."""

    def __init__(self, pixels: AnyArray, linear: bool) -> None:
        self.pixels, self.linear = pixels, linear

    def at(self, window: tuple[slice, slice] | tuple[IndexArray, IndexArray]) -> FloatArray:
        """The part as an image; also of rows and columns given as arrays of one H x W shape."""
        unit = to_unit(np.ascontiguousarray(self.pixels[window]))
        if self.linear:
            unit = linear_to_srgb(unit)
        return np.repeat(unit, 3, 2) if unit.shape[2] == 1 else unit

    def put(self, window: tuple[slice, slice], values: FloatArray, mask: BoolArray) -> None:
        """Write where the mask is; integers are rounded and clipped."""
        if self.pixels.shape[2] == 1:
            values = values.mean(2, keepdims=True)
        if self.linear:
            values = srgb_to_linear(values)
        kind = self.pixels.dtype
        if kind.kind == "u":
            full = np.iinfo(kind).max
            values = np.rint(np.clip(values * np.float32(full), 0, full))
        np.copyto(self.pixels[window], values.astype(kind), where=mask[..., None])


@dataclass(frozen=True)
class Surroundings:
    """The image below and around a paste; x, y: where in it the arrays of what is pasted begin."""

    image: Encoded
    x: int
    y: int

    def around(self, box: Box, pixels: int) -> Box:
        """A box of the paste's arrays, grown by `pixels` as far as the image goes, as a box of the image."""
        return box._replace(x=box.x + self.x, y=box.y + self.y).padded(pixels, self.image.pixels.shape)
