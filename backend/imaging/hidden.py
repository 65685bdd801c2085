"""What cannot be seen, below alpha 0 or not a number, given the colors of what can be seen around it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.downsample import reduced
from backend.imaging.matting.guided_filter import resize_part

WORK_SIZE = 256  # longest side of the copy that is continued
ROWS = 256  # worked on at a time


def continued(pixels: npt.NDArray[Any], hidden: BoolArray) -> npt.NDArray[Any]:
    """A copy whose hidden pixels go on smoothly from the visible ones: no hidden color has a part in any other.

    Pull and push on a small copy (Gortler et al. 1996, "The Lumigraph", section 3.4). pixels: H x W x C, integers or
    floats; hidden: H x W. All zero where nothing is visible.
    """
    result = pixels.copy()
    result[hidden] = 0
    if hidden.all() or not hidden.any():
        return result
    height, width = hidden.shape
    shrink = min(1.0, WORK_SIZE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    channels = [reduced(result[..., k].astype(np.float32), size) for k in range(result.shape[2])]
    weight = reduced((~hidden).astype(np.float32), size)
    smooth = _pulled_and_pushed(np.dstack(channels).reshape(size[1], size[0], -1), weight)
    whole = pixels.dtype.kind in "ui"
    for top in range(0, height, ROWS):
        rows = slice(top, min(top + ROWS, height))
        if hidden[rows].any():
            colors = resize_part(smooth, (width, height), rows, slice(0, width)).reshape(*hidden[rows].shape, -1)
            chosen = colors[hidden[rows]]
            result[rows][hidden[rows]] = np.rint(chosen) if whole else chosen
    return result


def _pulled_and_pushed(total: FloatArray, weight: FloatArray) -> FloatArray:
    """Means where there is a weight, and what wider means say where there is none. total: h x w x C, weighted."""
    mean = total / np.maximum(weight, np.float32(1e-6))[..., None]
    if (weight > 0).all() or max(weight.shape) == 1:
        return np.asarray(mean, np.float32)
    height, width = weight.shape
    half = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    wide = _pulled_and_pushed(
        cv2.resize(total, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1),
        cv2.resize(weight, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0]),
    )
    above = cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR).reshape(total.shape)
    share = np.minimum(weight, 1)[..., None]
    return np.asarray(share * mean + (1 - share) * above, np.float32)
