"""Green and blue screens: whether an image was taken before one, and its light taken off the object's rim."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced

SIDE = 256  # longest side of the copy in which a screen is looked for
BACKGROUND = 0.02  # alpha up to which a pixel is the background's
LEAST = 0.1  # share of the image that is background
EXCESS = 0.22  # of the screen's channel over the larger of the others, encoded, 0..1: a sky has less
EVEN = 0.9  # share of the background that has half as much
REACH = 0.02  # width of the rim that a screen's light reaches, of the longer side


def screen_channel(image: AnyArray, alpha: FloatArray) -> int | None:
    """Number of the channel, 1 green or 2 blue, of the screen that the background is; None where it is none.

    image: H x W x 3 RGB, integers or 0..1; alpha: H x W, the object's.
    """
    shrink = min(1.0, SIDE / max(alpha.shape))
    size = max(1, round(alpha.shape[1] * shrink)), max(1, round(alpha.shape[0] * shrink))
    background = reduced(alpha, size) <= BACKGROUND
    if background.mean() < LEAST:
        return None
    colors = to_unit(reduced(image, size))[background]
    for channel in (1, 2):
        excess = colors[:, channel] - np.delete(colors, channel, axis=1).max(1)
        if np.median(excess) > EXCESS and (excess > EXCESS / 2).mean() > EVEN:
            return channel
    return None


def without_spill(image: AnyArray, alpha: FloatArray, channel: int) -> AnyArray:
    """The object's colors, its rim's without the screen's light: there the channel is no brighter than the brighter of
    the two others. Inwards that fades away.

    image: H x W x 3 RGB of any type, the object's own colors; alpha: H x W.
    """
    inside = (alpha >= 1).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(inside, 1, mode="edge"), cv2.DIST_L2, 3)[1:-1, 1:-1]
    weight = np.clip(1 - depth / max(1.0, REACH * max(alpha.shape)), 0, 1)
    rows, columns = np.nonzero((weight > 0) & (alpha > 0))
    colors = image[rows, columns].astype(np.float32)
    limit = np.delete(colors, channel, axis=1).max(1)
    excess = np.maximum(colors[:, channel] - limit, 0) * weight[rows, columns]
    changed = colors[:, channel] - excess
    result = image.copy()
    result[rows, columns, channel] = np.rint(changed) if image.dtype.kind == "u" else changed
    return result
