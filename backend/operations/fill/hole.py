"""The hole that a mask means: its growth, its soft edge and its shadow, all in proportion to its width."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray, UInt8Array
from backend.imaging.inpainting.shadow_halo import shadow_halo_mask
from backend.imaging.masks.regions import grow

TOUCHED = 10  # of 255: what is selected less than this is not filled
WIDE = 4  # radius in pixels from which a part of a hole is wide: it may cast a shadow, grows as asked, needs patches
MIDDLE = 3  # radius in pixels from which a part grows at all,
MIDDLE_GROWTH = 2  # and by so many


def hole_of(weights: UInt8Array, widen: int, feather: float) -> tuple[UInt8Array, FloatArray]:
    """A mask's weights grown, and over how many pixels the edge is soft at each pixel.

    Growth follows the width: what is wide grows as asked, wires of five pixels by two, dust and scratches not at all,
    also where they touch something wide. weights: H x W, 0..255, 0 where nothing is filled.
    """
    hole = (weights > 0).astype(np.uint8)
    wide = _opened(hole, WIDE)
    middle = _opened(hole, MIDDLE) * (1 - wide)
    thin = hole * (1 - wide) * (1 - middle)
    grown, soft = np.where(thin, weights, 0).astype(np.uint8), np.zeros(weights.shape, np.float32)
    for part, by in ((middle, min(widen, MIDDLE_GROWTH)), (wide, widen)):
        if part.any():
            wider = grow(np.where(part, weights, 0).astype(np.uint8), by)
            soft[(wider > 0) & (thin == 0)] = min(feather, by)
            np.maximum(grown, wider, out=grown)
    if widen < feather and wide.any():  # the edge is soft inwards, too, where there is room
        count, labels = cv2.connectedComponents(wide, connectivity=8)
        radius = np.zeros(count, np.float32)
        np.maximum.at(radius, labels, cv2.distanceTransform(wide, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
        soft = np.where(wide, np.minimum(feather, widen + np.floor(radius / 2)[labels]), soft).astype(np.float32)
    return grown, soft


def with_shadow(image: FloatArray, hole: BoolArray, seen: BoolArray) -> BoolArray:
    """What hangs together with the wide parts of a hole and was left by what is in them: H x W, outside of the hole."""
    thick = _opened(hole.astype(np.uint8), WIDE) > 0
    if not thick.any():
        return np.zeros_like(hole)
    return shadow_halo_mask(image, thick, seen & ~hole) & ~hole


def edge(hole: BoolArray, soft: FloatArray) -> FloatArray:
    """Rises inwards from the hole's outline, over `soft` pixels; sharp at the image's border."""
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(distance / (soft + 1), 0, 1), np.float32)


def small_parts(hole: BoolArray) -> BoolArray:
    """What of a hole is only a few pixels wide, and not right beside something wider: diffusion fills it best."""
    near = cv2.dilate(_opened(hole.astype(np.uint8), WIDE), _disc(2 * WIDE))
    small: BoolArray = hole & (near == 0)
    return small


def _opened(hole: UInt8Array, radius: int) -> UInt8Array:
    """The parts of a hole into which a disc fits; beyond the image's border there is no hole."""
    return np.asarray(cv2.morphologyEx(np.pad(hole, 1), cv2.MORPH_OPEN, _disc(radius))[1:-1, 1:-1], np.uint8)


def _disc(radius: int) -> UInt8Array:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius - 1,) * 2), np.uint8)
