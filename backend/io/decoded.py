"""What a decoder hands over, and arrays made fit to be a raster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .metadata import Metadata

if TYPE_CHECKING:
    from backend.imaging.arrays import AnyArray


class UnreadableError(Exception):
    """A sound file of a kind that is not read; the message says which, and what helps."""


@dataclass(slots=True)
class Decoded:
    """A file's first image as it lies in the file.

    Attributes:
        pixels: H x W x C as Y, YA, RGB or RGBA in one of the depths of a raster; alpha is straight.
        profile: ICC profile of the colors; empty for sRGB.
        orientation: EXIF's, 1 to 8: how `pixels` are to be turned.
        metadata: what goes on to a result.
        frames: images in the file.
        notes: sentences for the user.
    """

    pixels: AnyArray
    profile: bytes = b""
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    frames: int = 1
    notes: list[str] = field(default_factory=list)


def scaled(pixels: AnyArray, bits: int, notes: list[str]) -> AnyArray:
    """Samples of any type as those of a raster: bytes, 16 bits, half or float, white staying white.

    Args:
        pixels: booleans, integers of `bits` significant bits, or floats.
        bits: of a sample; of a signed one with its sign.
        notes: told what cannot be kept exactly.

    Raises:
        UnreadableError: for complex numbers and the like.
    """
    import numpy as np

    kind = pixels.dtype.kind
    if kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        if pixels.dtype.itemsize == 8:
            notes.append("Its 64-bit samples are read as 32-bit floats.")
        return pixels if pixels.dtype in (np.float16, np.float32) else pixels.astype(np.float32)
    if kind == "i":
        top = (1 << (bits - 1)) - 1
        if bits > 16 or (pixels.size and pixels.min() < 0):
            notes.append("Its signed integers are read as floats, with their largest value as 1.")
            return (pixels / np.float64(top)).astype(np.float32)
        return _spread(pixels, top)
    if kind != "u":
        raise UnreadableError("its samples are no numbers of a kind that is read: save it as 16-bit or float")
    top = (1 << bits) - 1
    if bits > 16:
        notes.append(f"Its {bits}-bit integers are read as 32-bit floats.")
        return (pixels / np.float64(top)).astype(np.float32)
    if bits in (8, 16):
        return pixels.astype(np.uint8 if bits == 8 else np.uint16, copy=False)
    return _spread(pixels, top)


def straight(pixels: AnyArray) -> AnyArray:
    """H x W x C with its color divided by its alpha, the last channel; black where that is 0."""
    import numpy as np

    full = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    alpha = pixels[..., -1:].astype(np.float64)
    color = np.divide(pixels[..., :-1] * full, alpha, out=np.zeros(pixels[..., :-1].shape), where=alpha > 0)
    if pixels.dtype.kind != "f":
        color = np.rint(np.clip(color, 0, full))
    return np.concatenate([color.astype(pixels.dtype), pixels[..., -1:]], axis=2)


def turned(pixels: AnyArray, orientation: int) -> AnyArray:
    """Pixels made upright by their EXIF orientation, 1..8."""
    import numpy as np

    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _spread(pixels: AnyArray, top: int) -> AnyArray:
    """Integers 0..top over the whole range of 8 or 16 bits."""
    import numpy as np

    kind, full = (np.uint8, 255) if top <= 255 else (np.uint16, 65535)
    return ((pixels.astype(np.uint32) * np.uint32(full) + np.uint32(top // 2)) // np.uint32(top)).astype(kind)
