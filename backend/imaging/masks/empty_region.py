"""Where in an image there is nothing that would be missed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import lab, to_unit
from backend.imaging.downsample import reduced

LOOKED_AT = 192  # longest side in pixels
SPREAD = 0.03  # of that side: how far around itself a detail counts


def interest(image: npt.NDArray[np.generic]) -> FloatArray:
    """How much each place draws the eye, h x w, 0 and up, of H x W x 3 (integers or 0..1): detail, and color that is
    rare in the image (frequency-tuned saliency, Achanta et al. 2009). The longest side is LOOKED_AT at most."""
    shrink = min(1.0, LOOKED_AT / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
    colors = lab(np.clip(to_unit(reduced(np.ascontiguousarray(image), size)), 0, 1))
    smooth = cv2.GaussianBlur(colors, (0, 0), 1)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    detail = np.sqrt((across * across + down * down).sum(2))
    rare = np.linalg.norm(smooth - colors.mean((0, 1)), axis=2)
    found: FloatArray = cv2.GaussianBlur(detail / max(detail.mean(), 1e-6) + rare / max(rare.mean(), 1e-6), (0, 0),
                                    max(1.0, SPREAD * LOOKED_AT))  # fmt: skip
    return found


def empty_place(image: npt.NDArray[np.generic], width: int, height: int, at_bottom: bool = False) -> tuple[int, int]:
    """Where a box of that size hides the least of an image.

    Args:
        image: H x W x 3.
        width: of the box, in pixels.
        height: of the box.
        at_bottom: the box stands on the image's lower border.

    Returns:
        x and y of the upper left corner. What sticks out of the image, of a box larger than it, does so evenly, at the
        bottom not at all. Of places that hide as little the one nearest to the middle is taken.
    """
    rows, columns = image.shape[:2]
    x, y = (columns - width) // 2, rows - height if at_bottom else (rows - height) // 2
    cost = interest(image)
    scale = cost.shape[1] / columns, cost.shape[0] / rows
    box = (min(cost.shape[1], max(1, round(width * scale[0]))), min(cost.shape[0], max(1, round(height * scale[1]))))
    total = cv2.integral(cost, sdepth=cv2.CV_64F)
    sums = total[box[1] :, box[0] :] - total[: -box[1], box[0] :] - total[box[1] :, : -box[0]]
    sums = (sums + total[: -box[1], : -box[0]]) / (box[0] * box[1])  # mean interest of each box, by its corner
    if at_bottom:
        sums = sums[-1:]
    down, across = (np.abs(np.arange(n) - (n - 1) / 2) / max(n, 2) for n in sums.shape)
    best = np.unravel_index(np.argmin(sums / max(sums.max(), 1e-6) + 0.02 * (down[:, None] + across)), sums.shape)
    if width < columns:
        x = min(columns - width, round(int(best[1]) / scale[0]))
    if height < rows and not at_bottom:
        y = min(rows - height, round(int(best[0]) / scale[1]))
    return x, y
