"""How Krita stores pixels, and rasters in that form.

Integers lie in BGRA order, floats in RGBA; gray is gray, alpha. Every layer has alpha. A layer's color space may
differ from its document's.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ..client.image import CHANNELS, DEPTHS, PixelFormat, Raster

SRGB, LINEAR_RGB = "sRGB-elle-V2-srgbtrc.icc", "sRGB-elle-V2-g10.icc"
"""Krita's built-in color profiles."""

_WORDS = {1: "B", 2: "H", 4: "I"}
_OPAQUE = {"u8": 0xFF, "u16": 0xFFFF, "f16": 0x3C00, "f32": 0x3F800000}
"""Full alpha, as the bits of a sample."""


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """A color space by Krita's names: "RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc"."""

    model: str
    depth: str
    profile: str

    def format(self, linear: bool) -> PixelFormat | None:
        """The pixel format of a layer in this color space; None where Inlay has none (CMYK, Lab, ...)."""
        depth = self.depth.lower()
        if depth not in DEPTHS or self.model not in ("RGBA", "GRAYA"):
            return None
        color = "BGRA" if depth.startswith("u") else "RGBA"
        return PixelFormat("YA" if self.model == "GRAYA" else color, depth, linear)


def space_for(pixel_format: PixelFormat, like: ColorSpace) -> ColorSpace:
    """The color space of a new layer for pixels of this format, as near to `like` as they allow."""
    depth = pixel_format.depth.upper()
    if like.model == "GRAYA" and not pixel_format.channels.startswith("Y"):
        return ColorSpace("RGBA", depth, LINEAR_RGB if pixel_format.linear else SRGB)
    return ColorSpace(like.model, depth, like.profile)


def arranged(raster: Raster, channels: str) -> bytes:
    """The raster's samples in another channel order, such as "BGRA"; alpha that is missing is opaque.

    Gray may become color, not the reverse. Raises ValueError for that.
    """
    have = raster.format.channels
    if have == channels:
        return bytes(raster.data)
    word = _WORDS[DEPTHS[raster.format.depth]]
    samples = array(word, bytes(raster.data))
    planes = {name: samples[i :: CHANNELS[have]] for i, name in enumerate(have)}
    if "Y" in planes and "Y" not in channels:
        planes |= dict.fromkeys("RGB", planes["Y"])
    if "A" not in planes:
        planes["A"] = array(word, [_OPAQUE[raster.format.depth]]) * (raster.width * raster.height)
    out = array(word, bytes(raster.width * raster.height * CHANNELS[channels] * DEPTHS[raster.format.depth]))
    for i, name in enumerate(channels):
        if name not in planes:
            raise ValueError(f"pixels in the order {have} cannot be put in the order {channels}")
        out[i :: CHANNELS[channels]] = planes[name]
    return out.tobytes()


def coverage(raster: Raster) -> bytes:
    """A gray raster as one byte a pixel, 0 outside to 255 inside. Raises ValueError on other formats."""
    if raster.format.channels != "Y" or raster.format.depth not in ("u8", "u16"):
        raise ValueError(f"a selection came back as '{raster.format}'; it must be 8 or 16 bit gray")
    data = bytes(raster.data)
    return data if raster.format.depth == "u8" else data[1::2]
