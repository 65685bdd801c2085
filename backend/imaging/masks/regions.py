"""Masks and the regions they mark. Masks are `H x W`: u8 0..255, or float 0..1; bool where a hard edge is meant."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, UInt8Array
from plugin.client.image import Box

_DISC = 7  # radius of the largest disc that a soft mask is dilated with at once
_AnyMask = TypeVar("_AnyMask", UInt8Array, FloatArray)


def bounding_box(mask: AnyArray) -> Box | None:
    """The smallest box around all pixels above zero; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1))


def feather(mask: _AnyMask, sigma: float) -> _AnyMask:
    """Soften the edge with a Gaussian of `sigma` pixels; 0 leaves the mask as it is. Even at the image's border."""
    if sigma <= 0:
        return mask.copy()
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), mask.dtype)


def grow(mask: UInt8Array, pixels: float) -> UInt8Array:
    """Move the outline of a u8 mask outwards by `pixels` (inwards if negative): gray dilation or erosion with a disc.

    A soft edge stays as soft as it is. Beyond the border the mask goes on as it is there, so shrinking does not eat it
    from there.
    """
    if not pixels:
        return mask.copy()
    soft = bool(((mask > 0) & (mask < 255)).any())
    if not soft:
        distance = _distance((mask == 0 if pixels > 0 else mask > 0).astype(np.uint8))
        return np.where(distance <= pixels if pixels > 0 else distance > -pixels, 255, 0).astype(np.uint8)
    left, result = abs(pixels), mask
    morph = cv2.dilate if pixels > 0 else cv2.erode
    while left >= 0.5:  # discs one after the other: a large one at once would take very long
        radius = min(round(left), _DISC)
        square = np.arange(-radius, radius + 1) ** 2
        kernel = (square[:, None] + square[None, :] <= radius**2 + 0.5).astype(np.uint8)
        result = np.asarray(morph(result, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)
        left -= radius
    return result


def _distance(zero_at_target: UInt8Array) -> FloatArray:
    """Euclidean distance of each pixel to the nearest zero; infinite where there is none."""
    if zero_at_target.all():
        return np.full(zero_at_target.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(zero_at_target, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def components(mask: AnyArray, minimum_area: int = 1) -> list[BoolArray]:
    """The 8-connected parts of a mask (pixels above zero), largest first, without those below `minimum_area` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = [index for index in range(1, count) if areas[index] >= minimum_area]
    return [labels == index for index in sorted(kept, key=lambda index: -areas[index])]


def guided_filter(guide: FloatArray, mask: FloatArray, radius: int, epsilon: float = 1e-4) -> FloatArray:
    """Fit a mask to the edges of a gray image.

    K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 2013, equations 5, 6 and 8.

    Args:
        guide: H x W, 0..1.
        mask: H x W, 0..1.
        radius: of the boxes of 2 radius + 1 pixels.
        epsilon: ridge, in squared guide units.

    Returns:
        H x W float32.
    """

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.blur(values, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT), np.float32)

    guide_mean, mask_mean = mean(guide), mean(mask)
    slope = (mean(guide * mask) - guide_mean * mask_mean) / (mean(guide * guide) - guide_mean**2 + epsilon)
    offset = mask_mean - slope * guide_mean
    return np.asarray(np.clip(mean(slope) * guide + mean(offset), 0, 1), np.float32)
