"""Blur as of a lens out of focus: the mean over a disc, of the background's light alone.

Normalized convolution (Knutsson and Westin 1993): pixels of the subject weigh nothing, so that its colors do not bleed
into what is behind it, and next to it the background goes on as it is farther out.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging import CancelCheck, stop_if
from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from backend.imaging.downsample import reduced

WORK_RADIUS = 16.0  # pixels: larger discs are computed on an image reduced until they are of this size
EMPTY = 1e-2  # a disc with less background in it than this share has met next to nothing
FAINT = 1e-3
PURE = 0.1  # alpha from which a pixel no longer counts as background


def disc(radius: float) -> FloatArray:
    """Kernel of an anti-aliased disc, its sum 1; radius in pixels."""
    reach = int(np.ceil(radius))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(kernel / kernel.sum(), np.float32)


def lens_blur(
    image: npt.NDArray[np.generic], alpha: FloatArray, radius: float, cancelled: CancelCheck | None = None
) -> FloatArray:
    """The background of an image out of focus. Means are taken in linear light, where a lens takes them.

    Args:
        image: H x W x 3 RGB, integers or 0..1, sRGB-encoded.
        alpha: H x W, a pixel's share of the subject.
        radius: of the disc, in pixels.
        cancelled: polled between parts of the work.

    Returns:
        H x W x 3 float32, sRGB-encoded; meaningless where alpha is 1.

    Raises:
        Cancelled: `cancelled()` returned True.
    """
    height, width = alpha.shape
    shrink = min(1.0, WORK_RADIUS / max(radius, 1e-3))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    weight = reduced(np.clip(1 - alpha / np.float32(PURE), 0, 1), size)
    # weighted before it is reduced: a small pixel on the outline would mix both sides
    light = np.empty((size[1], size[0], 3), np.float32)
    for channel in range(3):
        stop_if(cancelled)
        plane = srgb_to_linear(to_unit(image[..., channel])) * np.clip(1 - alpha / np.float32(PURE), 0, 1)
        light[..., channel] = reduced(plane, size)
    kernel = disc(radius * shrink)
    stop_if(cancelled)
    total, light = (cv2.filter2D(x, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT) for x in (weight, light))
    stop_if(cancelled)
    total, light = _reaching(total, light, kernel.shape[0])
    mean = light / np.maximum(total, 1e-20)[..., None]
    blurred: FloatArray = linear_to_srgb(np.maximum(mean, 0).astype(np.float32))
    if shrink == 1:
        return blurred
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _reaching(total: FloatArray, light: FloatArray, side: int) -> tuple[FloatArray, FloatArray]:
    """With the means over ever wider squares added, each at a thousandth: they count where the disc met nothing."""
    share = 1.0
    while bool((total < EMPTY * share).any()) and side < 2 * max(total.shape):
        side, share = 2 * side + 1, share * FAINT
        wide = [cv2.blur(x, (side, side), borderType=cv2.BORDER_REFLECT) for x in (total, light)]
        total, light = (x + np.float32(FAINT) * more for x, more in zip((total, light), wide, strict=True))
    return total, light
