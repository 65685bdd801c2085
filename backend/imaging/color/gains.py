"""Light alone: what changes between two versions of a thing as smooth gains of linear light.

As in von Kries' adaptation a change of light multiplies each channel of linear light, whatever is lit. Gains taken over
a wide neighborhood leave contrast, saturation and detail as they are: only exposure and tint change.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear

_REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
DARK = 0.02  # linear light added to both, so that black has no gain
TINT = 0.5  # of the gains' color stays: a thing's own color passes for a tint of its light
LARGEST = 1.2  # of a gain's logarithm: about 1.7 stops


def light_gains(before: FloatArray, after: FloatArray, mask: FloatArray, width: float) -> FloatArray:
    """Natural logarithms of the gains that take `before` to `after`, h x w x 3.

    before, after: h x w x 3, sRGB-encoded; mask: h x w, 0..1, what counts; width: standard deviation in pixels of the
    neighborhood that a gain is the mean of. 0 where nothing that counts is near.
    """
    start, end = (_mean_light(picture, mask, width) for picture in (before, after))
    gains = np.log((end + np.float32(DARK)) / (start + np.float32(DARK)))
    gray = (gains @ _REC709)[..., None]
    limited: FloatArray = np.clip(gray + np.float32(TINT) * (gains - gray), -LARGEST, LARGEST).astype(np.float32)
    return limited


def relit(picture: FloatArray, gains: FloatArray) -> FloatArray:
    """An image under the gains of `light_gains`; both H x W x 3, the image sRGB-encoded as is the result.

    White is not exceeded: of a gain g the linear x gets g / (1 + (g - 1) x), so that highlights keep their drawing.
    """
    light, factor = srgb_to_linear(picture), np.exp(gains)
    shoulder = 1 + np.maximum(factor - 1, 0) * np.clip(light, 0, 1)
    return linear_to_srgb(light * factor / shoulder)


def _mean_light(picture: FloatArray, mask: FloatArray, width: float) -> FloatArray:
    light = srgb_to_linear(np.clip(picture, 0, 1)) * mask[..., None]
    total, weight = (
        cv2.GaussianBlur(values, (0, 0), width, borderType=cv2.BORDER_CONSTANT) for values in (light, mask)
    )
    mean: FloatArray = total / np.maximum(weight, np.float32(1e-4))[..., None]
    return mean
