"""Rasters as arrays and back, whatever their format; arrays aligned by their offsets.

Arrays are H x W x C. Samples keep the raster's own type; floats are sRGB-encoded, nominally 0..1; alpha is straight.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import REC709, linear_to_srgb, srgb_to_linear, to_unit
from plugin.client.image import CHANNELS, Box, PixelFormat, Raster

DTYPES: dict[str, npt.DTypeLike] = {"u8": "u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}
_DEPTHS = {np.dtype(kind): depth for depth, kind in DTYPES.items()}
ROWS = 256  # worked on at a time
_NAMES = ("Y", "YA", "RGB", "RGBA")  # of 1 to 4 channels
_TO_RGB = {
    "Y": cv2.COLOR_GRAY2RGB,
    "YA": cv2.COLOR_GRAY2RGB,
    "RGBA": cv2.COLOR_RGBA2RGB,
    "BGR": cv2.COLOR_BGR2RGB,
    "BGRA": cv2.COLOR_BGRA2RGB,
}

# Rasters to arrays.


def samples(raster: Raster) -> AnyArray:
    """The raster's own samples, H x W x C in its own channel order; a view of its bytes."""
    pixels: AnyArray = np.frombuffer(raster.data, DTYPES[raster.format.depth])
    return pixels.reshape(raster.height, raster.width, CHANNELS[raster.format.channels])


def ordered(raster: Raster) -> AnyArray:
    """The raster's samples, H x W x C as Y, YA, RGB or RGBA; a view where that is its own order."""
    pixels = samples(raster)
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if raster.format.channels[0] == "B" else pixels


def rgb(raster: Raster) -> AnyArray:
    """Color, H x W x 3 RGB in the raster's own type (float32 for half) and encoding; gray three times."""
    pixels, channels = samples(raster), raster.format.channels
    if pixels.dtype == np.float16:  # which OpenCV does not take
        pixels = pixels.astype(np.float32)
    if channels == "YA":
        pixels = np.ascontiguousarray(pixels[..., :1])
    return pixels if channels == "RGB" else cv2.cvtColor(pixels, _TO_RGB[channels])


def colors(raster: Raster) -> FloatArray:
    """Color as the imaging functions want it: H x W x 3 float32, RGB, sRGB-encoded, 0..1. Alpha is left out."""
    unit = to_unit(rgb(raster))
    if raster.format.linear:
        unit = linear_to_srgb(unit)
    return _clipped(unit) if raster.format.depth.startswith("f") else unit


def mask_values(raster: Raster) -> FloatArray:
    """A selection or mask as weights, H x W float32 in 0..1.

    Without transparency its luminance; with transparency luminance times alpha, or the alpha alone where all that is
    visible has one color: a shape painted in black is meant as a shape.
    """
    pixels = to_unit(samples(raster))
    if raster.format.channels == "Y":
        return _clipped(pixels[..., 0]) if raster.format.depth.startswith("f") else pixels[..., 0]
    if not raster.format.has_alpha:
        return _clipped(_luma(pixels, raster.format))
    color, alpha = pixels[..., :-1], pixels[..., -1]
    visible = color[alpha > 0]
    if alpha.min() < 1 and (not len(visible) or (visible == visible[0]).all()):
        return _clipped(alpha)
    return _clipped(_luma(color, raster.format) * alpha)


def _luma(color: FloatArray, form: PixelFormat) -> FloatArray:
    if form.channels[0] == "Y":
        return color[..., 0]
    return np.asarray(color @ (REC709[::-1] if form.channels[0] == "B" else REC709), np.float32)


def coverage(raster: Raster) -> FloatArray:
    """Alpha, H x W float32 in 0..1; 1 everywhere for a raster without."""
    if raster.format.has_alpha:
        return to_unit(samples(raster)[..., -1])
    return np.ones((raster.height, raster.width), np.float32)


def converted(raster: Raster, wanted: PixelFormat) -> AnyArray:
    """Color in the channel order, depth and encoding of another format, without alpha: H x W x 1 or 3."""
    has = raster.format
    own, other = (form.channels.removesuffix("A") for form in (has, wanted))
    if (has.depth, has.linear, own) == (wanted.depth, wanted.linear, other):
        return samples(raster)[..., : len(own)]
    unit = to_unit(samples(raster)[..., :1] if own == other == "Y" else rgb(raster))
    if has.linear != wanted.linear:
        unit = linear_to_srgb(unit) if has.linear else srgb_to_linear(unit)
    if own != other == "Y":
        unit = unit @ REC709[:, None]
    return as_depth(unit[..., ::-1] if other == "BGR" else unit, wanted.depth)


# Arrays.


def as_depth(pixels: AnyArray, depth: str) -> AnyArray:
    """Samples of any type as those of a depth, white staying white: rounded and clipped where that is an integer one.

    Not-a-number becomes 0 there.
    """
    kind = np.dtype(DTYPES[depth])
    if pixels.dtype == kind:
        return pixels
    unit = to_unit(pixels)
    if kind.kind == "f":
        return unit.astype(kind, copy=False)
    scaled = _clipped(unit)
    scaled *= np.float32(np.iinfo(kind).max)
    return np.rint(scaled, out=scaled).astype(kind)


def depth_of(pixels: AnyArray) -> str:
    """The depth whose samples are of the array's type."""
    return _DEPTHS[pixels.dtype]


def placed(pixels: AnyArray, x: int, y: int, box: Box, fill: float = 0) -> AnyArray:
    """What of an array at offset x, y lies in a box, on a canvas of the box's size that is `fill` elsewhere."""
    left, top, width, height = box
    if (x, y, pixels.shape[1], pixels.shape[0]) == box:
        return pixels
    shape = (height, width, *pixels.shape[2:])
    canvas = np.full(shape, fill, pixels.dtype) if fill else np.zeros(shape, pixels.dtype)
    x0, y0 = max(left, x), max(top, y)
    x1, y1 = min(left + width, x + pixels.shape[1]), min(top + height, y + pixels.shape[0])
    if x1 > x0 and y1 > y0:
        canvas[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    return canvas


# Arrays to rasters.


def raster(pixels: AnyArray, pixel_format: PixelFormat, x: int = 0, y: int = 0, profile: bytes = b"") -> Raster:
    """A raster of an array H x W or H x W x C whose channels and type are those of the format.

    Raises ValueError when the channels are others.
    """
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels, DTYPES[pixel_format.depth]).reshape(-1).view(np.uint8).data
    return Raster(pixel_format, width, height, data, x, y, profile)


def from_array(pixels: AnyArray, profile: bytes = b"", x: int = 0, y: int = 0) -> Raster:
    """A raster of an array H x W or H x W x C (Y, YA, RGB, RGBA) in the depth of its type, sRGB-encoded."""
    channels = _NAMES[pixels.shape[2] - 1] if pixels.ndim == 3 else "Y"
    return raster(pixels, PixelFormat(channels, depth_of(pixels)), x, y, profile)


def _clipped(unit: FloatArray) -> FloatArray:
    """A copy within 0..1, 0 for what is not a number."""
    positive: FloatArray = np.fmax(unit, np.float32(0))
    return np.minimum(positive, np.float32(1), out=positive)


def cropped(layer: Raster, box: Box) -> Raster:
    """What of a raster lies in a box of it, at its place; the box counts from the raster's own corner."""
    return raster(samples(layer)[box.window], layer.format, layer.x + box.x, layer.y + box.y, layer.profile)


def scaled(layer: Raster, factor: float) -> Raster:
    """The raster enlarged by a factor about its own upper left corner; what is transparent does not color what is not.

    Alpha is straight, so that colors are averaged with it as their weight.
    """
    size = max(1, round(layer.width * factor)), max(1, round(layer.height * factor))
    if size == (layer.width, layer.height):
        return layer
    unit = to_unit(samples(layer))
    if layer.format.has_alpha:
        weighted = np.empty_like(unit)
        for row in range(0, layer.height, ROWS):
            part = unit[row : row + ROWS]
            np.multiply(part[..., :-1], part[..., -1:], out=weighted[row : row + ROWS, :, :-1])
            weighted[row : row + ROWS, :, -1] = part[..., -1]
        unit = weighted
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small: AnyArray = cv2.resize(np.ascontiguousarray(unit), size, interpolation=how).reshape(size[1], size[0], -1)
    if layer.format.has_alpha:
        alpha = small[..., -1:]  # beyond 0..1 beside an edge, as the colors times alpha are
        small = np.dstack([small[..., :-1] / np.maximum(alpha, np.float32(1e-4)), np.clip(alpha, 0, 1)])
    return raster(as_depth(small, layer.format.depth), layer.format, layer.x, layer.y, layer.profile)
