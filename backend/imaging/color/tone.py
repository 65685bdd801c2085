"""Tone adjustments of an image: exposure, saturation, temperature; and the light, without color, of another image.

Images are H x W x 3 float32 RGB, 0..1, sRGB-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import REC601, REC709, linear_to_srgb, srgb_to_linear

MAX_TEMPERATURE_SHIFT = 0.35  # EV by which red is raised and blue lowered at temperature 1


@dataclass(frozen=True)
class Tone:
    """A tone adjustment.

    exposure: in EV. saturation: -1 (gray) to 1 (twice as much). temperature: -1 (cool) to 1 (warm).
    """

    exposure: float = 0.0
    saturation: float = 0.0
    temperature: float = 0.0

    @property
    def neutral(self) -> bool:
        return self == Tone()


def toned(image: FloatArray, tone: Tone) -> FloatArray:
    """The image with its light and color changed; the very same values for a neutral tone.

    Exposure and temperature scale linear light, temperature without changing a white's luminance; saturation
    moves each pixel to or from the gray of its luminance.
    """
    if tone.neutral:
        return image
    gains = np.float32(2) ** (
        np.array([MAX_TEMPERATURE_SHIFT, 0, -MAX_TEMPERATURE_SHIFT], np.float32) * np.float32(tone.temperature)
    )
    light = srgb_to_linear(image) * (gains * np.float32(2**tone.exposure) / (gains @ REC709))
    gray = (light @ REC709)[..., None]
    changed = gray + np.float32(1 + tone.saturation) * (light - gray)
    return linear_to_srgb(np.maximum(changed, 0).astype(np.float32))


def with_colors_of(image: FloatArray, painted: FloatArray) -> FloatArray:
    """`painted` with the colors of `image`: luma of the one, chroma of the other (Gatys et al. 2016, Preserving
    Color in Neural Artistic Style Transfer, section 2.2)."""
    luma = (painted - image) @ REC601
    return np.clip(image + luma[..., None], 0, 1)
