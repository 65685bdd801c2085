"""Rasters to arrays and back: any pixel format to floats and exactly back to the same format.

Arrays are H x W x C with channels in the order Y, YA, RGB or RGBA, whatever the raster's; floats are sRGB-encoded,
nominally 0..1, and alpha is straight. Float rasters may hold values outside 0..1; they are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from plugin.client.raster import CHANNELS, PixelFormat, Raster

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

_DTYPES = {"u8": "u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}
_TOPS = {"u8": 255, "u16": 65535}


def to_native(raster: Raster) -> NDArray[np.generic]:
    """H x W x C samples as they are stored, in the order Y, YA, RGB or RGBA: not a copy, but for BGRA."""
    samples = np.frombuffer(raster.data, _DTYPES[raster.format.depth])
    return _reordered(samples.reshape(raster.height, raster.width, -1), raster.format)


def to_array(raster: Raster) -> Floats:
    """H x W x C float32, sRGB-encoded, 0..1: a copy that may be written to."""
    array = to_native(raster).astype(np.float32, order="C")
    if raster.format.depth in _TOPS:
        array /= np.float32(_TOPS[raster.format.depth])
    if raster.format.linear:
        colour = array[..., : _colours(raster.format)]
        colour[...] = encode_srgb(colour)
    return array


def from_array(
    array: NDArray[np.generic], pixel_format: PixelFormat, x: int = 0, y: int = 0, profile: bytes = b""
) -> Raster:
    """A raster of `pixel_format` from H x W x C (or H x W) floats as `to_array` gives them.

    Integers are rounded to the nearest and clipped, so that what `to_array` read comes back bit for bit; so do float
    formats that are not linear. Raises ValueError when the channels are not those of the format.
    """
    floats = np.atleast_3d(np.asarray(array, np.float32))
    if floats.ndim != 3 or floats.shape[2] != CHANNELS[pixel_format.channels]:
        raise ValueError(f"an array of shape {np.shape(array)} does not hold the channels {pixel_format.channels}")
    if pixel_format.linear:
        count = _colours(pixel_format)
        floats = np.concatenate([decode_srgb(floats[..., :count]), floats[..., count:]], axis=2)
    if pixel_format.depth in _TOPS:
        floats = np.rint(np.clip(np.nan_to_num(floats, nan=0.0), 0.0, 1.0) * np.float32(_TOPS[pixel_format.depth]))
    return from_native(floats.astype(_DTYPES[pixel_format.depth]), pixel_format, x, y, profile)


def from_native(
    samples: NDArray[np.generic], pixel_format: PixelFormat, x: int = 0, y: int = 0, profile: bytes = b""
) -> Raster:
    """A raster from H x W x C samples of the format's own type, as `to_native` gives them: the exact inverse."""
    packed = np.ascontiguousarray(_reordered(samples, pixel_format), _DTYPES[pixel_format.depth])
    height, width = packed.shape[:2]
    return Raster(pixel_format, width, height, packed.reshape(-1).view(np.uint8).data, x, y, profile)


def like(raster: Raster, array: NDArray[np.generic], x: int | None = None, y: int | None = None) -> Raster:
    """`array` as a raster of the same depth, encoding and profile as `raster`, and its offset where none is given.

    The channels are the raster's own, or as many as the array has: an operation may add or drop alpha.
    """
    count = array.shape[2] if array.ndim == 3 else 1
    channels = raster.format.channels
    if CHANNELS[channels] != count:
        swapped = channels.startswith("BGR")
        channels = {1: "Y", 2: "YA", 3: "BGR" if swapped else "RGB", 4: "BGRA" if swapped else "RGBA"}[count]
    pixel_format = PixelFormat(channels, raster.format.depth, raster.format.linear)
    return from_array(array, pixel_format, raster.x if x is None else x, raster.y if y is None else y, raster.profile)


def to_tensor(raster: Raster, device: str = "cpu") -> torch.Tensor:
    """1 x C x H x W float32 on a torch device, as `to_array`."""
    import torch

    return torch.from_numpy(to_array(raster)).to(device).movedim(2, 0)[None].contiguous()


def from_tensor(
    tensor: torch.Tensor, pixel_format: PixelFormat, x: int = 0, y: int = 0, profile: bytes = b""
) -> Raster:
    """A raster from 1 x C x H x W, as `from_array`."""
    return from_array(tensor.detach()[0].movedim(0, 2).float().cpu().numpy(), pixel_format, x, y, profile)


def encode_srgb(linear: Floats) -> Floats:
    """Linear light to the sRGB curve (IEC 61966-2-1), point-symmetric below 0 and continued above 1."""
    size = np.abs(linear)
    curve = np.float32(1.055) * np.power(size, np.float32(1 / 2.4)) - np.float32(0.055)
    return np.copysign(np.where(size <= 0.0031308, size * np.float32(12.92), curve), linear).astype(np.float32)


def decode_srgb(encoded: Floats) -> Floats:
    """The inverse of `encode_srgb`."""
    size = np.abs(encoded)
    curve = np.power((size + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.copysign(np.where(size <= 0.04045, size / np.float32(12.92), curve), encoded).astype(np.float32)


def _colours(pixel_format: PixelFormat) -> int:
    return CHANNELS[pixel_format.channels] - pixel_format.has_alpha


def _reordered(samples: NDArray[np.generic], pixel_format: PixelFormat) -> NDArray[np.generic]:
    """BGR(A) to RGB(A) or back."""
    if pixel_format.channels == "BGRA":
        return samples[..., [2, 1, 0, 3]]
    return samples[..., ::-1] if pixel_format.channels == "BGR" else samples
