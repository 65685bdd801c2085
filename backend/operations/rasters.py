"""Rasters as the operations work on them: numpy arrays H x W x C, aligned by their offsets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backend.imaging.colour import Float, linear_to_srgb, srgb_to_linear, to_unit
from plugin.client.raster import CHANNELS, PixelFormat, Raster
from plugin.client.region import Box

Pixels = npt.NDArray[Any]
DTYPES: dict[str, npt.DTypeLike] = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


def samples(raster: Raster) -> Pixels:
    """The raster's own samples, H x W x C in its own channel order; a view of its bytes."""
    pixels: Pixels = np.frombuffer(raster.data, DTYPES[raster.format.depth])
    return pixels.reshape(raster.height, raster.width, CHANNELS[raster.format.channels])


def colours(raster: Raster) -> Float:
    """Colour as the imaging functions want it: H x W x 3 float32, RGB, sRGB-encoded, 0..1. Alpha is left out."""
    pixels = samples(raster)
    order = {"Y": [0, 0, 0], "R": [0, 1, 2], "B": [2, 1, 0]}[raster.format.channels[0]]
    unit = to_unit(pixels[..., order])
    if raster.format.linear:
        unit = linear_to_srgb(unit)
    return np.clip(unit, 0, 1, out=unit)


def mask_values(raster: Raster) -> Float:
    """A selection or mask (grey), H x W float32 in 0..1."""
    return to_unit(samples(raster)[..., 0])


def coverage(raster: Raster) -> Float:
    """Alpha, H x W float32 in 0..1; 1 everywhere for a raster without."""
    if raster.format.has_alpha:
        return to_unit(samples(raster)[..., -1])
    return np.ones((raster.height, raster.width), np.float32)


def converted(raster: Raster, wanted: PixelFormat) -> Pixels:
    """Colour in the channel order, depth and encoding of another format, without alpha: H x W x 1 or 3."""
    has = raster.format
    if (has.depth, has.linear) == (wanted.depth, wanted.linear) and _order(has) == _order(wanted):
        return samples(raster)[..., : len(_order(has))]
    unit: Float = to_unit(samples(raster)[..., {"Y": [0, 0, 0], "R": [0, 1, 2], "B": [2, 1, 0]}[has.channels[0]]])
    if has.linear != wanted.linear:
        unit = linear_to_srgb(unit) if has.linear else srgb_to_linear(unit)
    if wanted.channels[0] == "B":
        unit = unit[..., ::-1]
    if wanted.channels[0] == "Y":
        unit = unit @ np.array([[0.2126], [0.7152], [0.0722]], np.float32)
    return from_unit(unit, wanted.depth)


def from_unit(unit: Float, depth: str) -> Pixels:
    """Values 0..1 as samples of a depth, rounded and clipped where it is an integer one."""
    kind = np.dtype(DTYPES[depth])
    if kind.kind == "f":
        return unit.astype(kind)
    full = np.iinfo(kind).max
    whole: Pixels = np.rint(np.clip(unit, 0, 1) * np.float32(full)).astype(kind)
    return whole


def placed(pixels: Pixels, x: int, y: int, box: Box, fill: float = 0) -> Pixels:
    """What of an array at offset x, y lies in a box, on a canvas of the box's size that is `fill` elsewhere."""
    left, top, width, height = box
    if (x, y, pixels.shape[1], pixels.shape[0]) == box:
        return pixels
    canvas = np.full((height, width, *pixels.shape[2:]), fill, pixels.dtype)
    x0, y0 = max(left, x), max(top, y)
    x1, y1 = min(left + width, x + pixels.shape[1]), min(top + height, y + pixels.shape[0])
    if x1 > x0 and y1 > y0:
        canvas[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    return canvas


def raster(pixels: Pixels, pixel_format: PixelFormat, x: int, y: int, profile: bytes = b"") -> Raster:
    """A raster of an array H x W or H x W x C whose channels and type are those of the format."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels, DTYPES[pixel_format.depth]).data.cast("B")
    return Raster(pixel_format, width, height, data, x, y, profile)


def _order(pixel_format: PixelFormat) -> str:
    return pixel_format.channels.removesuffix("A")
