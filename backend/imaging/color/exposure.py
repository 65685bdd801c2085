"""Images brighter than white in the range that networks know: exposed as a camera would, highlights compressed.

A network's eyes alone see the result; what is made from its answer goes back through the inverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear

BRIGHT = 98.0  # percentile of the pixels that is brought to white where it lies above
KNEE = 0.9  # sRGB-encoded values from which highlights are compressed
SAMPLES = 1 << 18  # pixels that are looked at


@dataclass(frozen=True)
class Exposure:
    """gain: of linear light, at most 1; peak: the largest sRGB-encoded value after the gain, at least 1."""

    gain: float = 1.0
    peak: float = 1.0

    @property
    def neutral(self) -> bool:
        return self == Exposure()

    @classmethod
    def of(cls, image: FloatArray) -> Exposure:
        """What suits an image, H x W x C, sRGB-encoded: neutral where nothing is brighter than white."""
        if not image.size or not float(image.max()) > 1:
            return cls()
        step = max(1, round((image.shape[0] * image.shape[1] / SAMPLES) ** 0.5))
        bright = float(np.percentile(image[::step, ::step].max(2), BRIGHT))
        gain = 1.0
        if bright > 1:
            gain = 1 / float(srgb_to_linear(np.array([bright], np.float32))[0])
        return cls(gain, max(1.0, float(_scaled(np.array([image.max()], np.float32), gain)[0])))

    def applied(self, image: FloatArray) -> FloatArray:
        """sRGB-encoded values, 0 and up, in 0..1."""
        if self.neutral:
            return image
        exposed = _scaled(image, self.gain)
        over = np.maximum(exposed - np.float32(KNEE), 0)
        room, slope = self._shoulder
        bent = np.float32(KNEE) + over * room / (over * slope + room)
        return np.where(exposed > KNEE, bent, exposed).astype(np.float32)

    def undone(self, image: FloatArray) -> FloatArray:
        """The inverse of `applied`."""
        if self.neutral:
            return image
        over = np.clip(image - np.float32(KNEE), 0, 1 - KNEE)
        room, slope = self._shoulder
        straight = np.float32(KNEE) + over * room / (room - over * slope)
        return _scaled(np.where(image > KNEE, straight, image).astype(np.float32), 1 / self.gain)

    @property
    def _shoulder(self) -> tuple[np.float32, np.float32]:
        """Of the curve v r / (s v + r), which starts with slope 1 and takes the peak to 1."""
        over = self.peak - KNEE
        return np.float32(1 - KNEE), np.float32(1 - (1 - KNEE) / over)


def _scaled(image: FloatArray, gain: float) -> FloatArray:
    return image if gain == 1 else linear_to_srgb(srgb_to_linear(image) * np.float32(gain))
