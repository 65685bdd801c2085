"""A network's probability map made fit for an outline: what it is nowhere sure of is neither an island nor a hole.

A network that wavers lets faint patches of the background float beside the subject, and eats into the subject where
something on it looks unlike the rest: a badge, a strap, a logo. Both are regions of one side within the other without
one pixel the network would swear to. Maps are H x W float32, 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray

SURE_ISLAND = 0.9  # the largest probability within a part of the subject that stands by itself
SURE_HOLE = 0.15  # the smallest one within a gap


def hysteresis(probability: FloatArray, sure_island: float = SURE_ISLAND, small_island: float = 0.0) -> FloatArray:
    """The map with unsure islands lowered to the level that parts them from the sure subject, unsure holes raised.

    small_island: so are parts above one half that stand by themselves and are smaller than this share of the largest.
    What there is of the subject stays where the network is sure of nothing at all.
    """
    sure = min(sure_island, 0.98 * float(probability.max(initial=0)))
    marker = np.where(probability >= sure, probability, 0)
    if small_island > 0:
        marker[_small_parts(probability > 0.5, small_island)] = 0
    islands = reconstruct(marker, probability)
    gaps: FloatArray = 1 - islands
    if not (gaps >= 1 - SURE_HOLE).any():
        return islands
    return 1 - reconstruct(np.where(gaps >= 1 - SURE_HOLE, gaps, 0), gaps)


def _small_parts(mask: BoolArray, share: float) -> BoolArray:
    """The parts of a mask smaller than `share` of its largest one."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    small = areas < share * areas[1:].max(initial=0)
    small[0] = False
    found: BoolArray = small[labels]
    return found


def reconstruct(marker: FloatArray, mask: FloatArray) -> FloatArray:
    """Grayscale reconstruction by dilation: the marker grown under the mask until it changes no more.

    L. Vincent, "Morphological Grayscale Reconstruction in Image Analysis", IEEE TIP 1993, section 4.1; to 1/255.
    """
    limit = np.asarray(np.rint(mask * 255), np.uint8)
    grown = np.minimum(np.asarray(np.rint(marker * 255), np.uint8), limit)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    while True:
        before = grown
        grown = np.asarray(cv2.min(cv2.dilate(before, cross, iterations=1), limit), np.uint8)
        if np.array_equal(grown, before):
            # exact where nothing was taken away
            return np.where(grown == limit, mask, grown / np.float32(255)).astype(np.float32)
