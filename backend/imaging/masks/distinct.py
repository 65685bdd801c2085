"""What stands out of an image by its color: how far each pixel's color is from the colors of the whole image."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import lab, to_unit
from backend.imaging.downsample import reduced

SIDE = 1024  # longer side, in pixels, at which an image is looked at
NOISE = 0.03  # standard deviation, in L*a*b* / 100, of noise and compression: colors no farther apart are alike
DISTINCT = 5.0  # standard deviations from the mean; of normally distributed colors about one in 65,000 is farther
LEAST = 12  # pixels of a region; fewer are dust
GAP = 8  # parts of a region are this far apart at the most, at a longer side of `SIDE`


def color_distance(image: AnyArray) -> FloatArray:
    """Mahalanobis distance of each pixel's color from the image's colors, at a longer side of `SIDE` at most.

    One of N pixels cannot be farther than sqrt(N - 1), nor a share s of them sqrt(1 / s - 1): only what is small stands
    out much, and nothing does in an image of many colors.

    Args:
        image: H x W x 3 RGB, sRGB-encoded, integers or floats in 0..1.

    Returns:
        h x w, in standard deviations.
    """
    shrink = min(1.0, SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
    colors = lab(cv2.GaussianBlur(to_unit(reduced(image, size)), (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE))
    flat = colors.reshape(-1, 3)
    centered = flat - flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = centered.T @ centered / len(centered) + np.float32(NOISE**2) * np.eye(3, dtype=np.float32)
    whitened = centered @ np.linalg.cholesky(np.linalg.inv(covariance))
    distance: FloatArray = np.sqrt((whitened**2).sum(axis=1)).reshape(colors.shape[:2]).astype(np.float32)
    return distance


def distinct_region(distance: FloatArray) -> BoolArray | None:
    """The region, in one piece but for small gaps, that holds the pixel most distinct; None where nothing is.

    distance: h x w as `color_distance` gives it.
    """
    distinct = distance > DISTINCT
    gap = max(3, round(GAP * max(distance.shape) / SIDE)) | 1
    closed = cv2.morphologyEx(distinct.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST
    large[0] = False
    candidates = np.where(distinct & large[labels], distance, 0)
    if count < 2 or not candidates.any():
        return None
    region: BoolArray = distinct & (labels == labels.flat[int(candidates.argmax())])
    return region
