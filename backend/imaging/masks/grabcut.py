"""GrabCut (C. Rother, V. Kolmogorov, A. Blake, SIGGRAPH 2004) from a box or a rough selection, at any image size.

The color models and the cut are found on a reduced copy; a second cut at full size then settles a narrow band around
the outline, so the edge follows the image's own pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging import CancelCheck, stop_if
from backend.imaging.arrays import FloatArray, UInt8Array
from backend.imaging.color.spaces import luminance
from backend.imaging.masks.regions import bounding_box, guided_filter
from plugin.client.image import Box

_WORKING_SIDE = 480  # longest side of the reduced copy
_CERTAIN = 250  # selection values from here on are certainly the subject
_SOFT_RADIUS = 3


def from_box(image: FloatArray, box: Box, soft: bool = False, cancelled: CancelCheck | None = None) -> UInt8Array:
    """Cut the subject out of a box; everything outside of the box is background.

    Args:
        image: `H x W x 3`, 0..1, sRGB-encoded.
        box: around the subject, inside the image, leaving some background in sight.
        soft: follow the image's edges with a soft mask rather than a hard one.
        cancelled: polled between the steps.

    Returns:
        `H x W` u8 mask, 0..255.

    Raises:
        ValueError: the box is empty, outside the image, or covers all of it.
    """
    box = box.padded(0, image.shape)
    if not (box.width and box.height):
        raise ValueError("The box holds no pixel of the image: draw it around the subject.")
    if (box.height, box.width) == image.shape[:2]:
        raise ValueError("The box covers the whole image: leave some background outside of it.")
    labels = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    labels[box.window] = cv2.GC_PR_FGD
    return _cut(image, labels, soft, cancelled)


def from_selection(
    image: FloatArray, selection: UInt8Array, soft: bool = False, cancelled: CancelCheck | None = None
) -> UInt8Array:
    """Improve a rough selection: 250 and more is certainly the subject, 1..249 probably, 0 probably not.

    Far from the selection (beyond half its size on each side) all is certainly background. Where the selection holds
    certain pixels alone, only its inner part stays certain, so that a roughly drawn outline can move both ways.

    Args:
        image: `H x W x 3`, 0..1, sRGB-encoded.
        selection: `H x W`, 0..255.
        soft: follow the image's edges with a soft mask rather than a hard one.
        cancelled: polled between the steps.

    Returns:
        `H x W` u8 mask, 0..255.

    Raises:
        ValueError: the selection is empty or covers all.
    """
    box = bounding_box(selection)
    if box is None:
        raise ValueError("The selection is empty: select the subject roughly first.")
    if bool((selection > 0).all()):
        raise ValueError("The selection covers the whole image: select the subject roughly first.")
    labels = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    labels[box.padded(max(box.width, box.height) // 2, image.shape).window] = cv2.GC_PR_BGD
    labels[selection > 0] = cv2.GC_PR_FGD
    certain = (selection >= _CERTAIN).astype(np.uint8)
    if not np.any((selection > 0) & (certain == 0)):
        depth = cv2.distanceTransform(cv2.copyMakeBorder(certain, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
        depth = depth[1:-1, 1:-1]
        certain = (depth > 0.35 * depth.max()).astype(np.uint8)
    labels[certain > 0] = cv2.GC_FGD
    return _cut(image, labels, soft, cancelled)


def _cut(image: FloatArray, labels: UInt8Array, soft: bool, cancelled: CancelCheck | None) -> UInt8Array:
    pixels = np.ascontiguousarray(np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8))
    height, width = labels.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small_labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    inside = settle(small, small_labels, 5, cancelled)
    if scale < 1:
        inside = _settle_band(pixels, inside, labels, int(np.ceil(1.5 / scale)), cancelled)
    hard = inside * np.uint8(255)
    if not soft:
        return hard
    stop_if(cancelled)
    fitted = guided_filter(luminance(image), inside.astype(np.float32), radius=_SOFT_RADIUS)
    return np.asarray(np.rint(fitted * 255), np.uint8)


def settle(pixels: UInt8Array, labels: UInt8Array, iterations: int, cancelled: CancelCheck | None = None) -> UInt8Array:
    """Settle what is only probable by color; the same labels always give the same.

    Args:
        pixels: `H x W x 3` u8.
        labels: `H x W`, `cv2.GC_FGD` and so on.
        iterations: of GrabCut.
        cancelled: polled before each of them.

    Returns:
        `H x W` u8, 1 where the subject is; the labels' own answer where they leave nothing to learn from.

    Raises:
        Cancelled: `cancelled()` returned True.
    """
    subject = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if subject.all() or not subject.any():
        return np.asarray(subject, np.uint8)
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    found, mode = labels.copy(), cv2.GC_INIT_WITH_MASK
    for _ in range(iterations):
        stop_if(cancelled)
        found, *_ = cv2.grabCut(pixels, found, None, background, foreground, 1, mode)
        mode = cv2.GC_EVAL
    return np.asarray((found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD), np.uint8)


def _settle_band(
    pixels: UInt8Array, small_inside: UInt8Array, labels: UInt8Array, reach: int, cancelled: CancelCheck | None
) -> UInt8Array:
    """Cut again at full size, in tiles, with only the pixels within `reach` of the outline left open."""
    height, width = labels.shape
    inside = np.asarray(cv2.resize(small_inside, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    sure, possible = cv2.erode(inside, element), cv2.dilate(inside, element)
    trimap = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[sure > 0] = cv2.GC_FGD
    trimap[possible == 0] = cv2.GC_BGD
    for certain in (cv2.GC_BGD, cv2.GC_FGD):
        trimap[labels == certain] = certain
    box = bounding_box(possible)
    if box is None:
        return inside
    tile, margin = 768, 8 * reach
    for y in range(box.y, box.y + box.height, tile):
        for x in range(box.x, box.x + box.width, tile):
            core = Box(x, y, min(tile, box.x + box.width - x), min(tile, box.y + box.height - y))
            open_pixels = (trimap[core.window] == cv2.GC_PR_FGD) | (trimap[core.window] == cv2.GC_PR_BGD)
            if not open_pixels.any():
                continue
            wide = core.padded(margin, labels.shape)
            found = settle(np.ascontiguousarray(pixels[wide.window]), trimap[wide.window], 1, cancelled)
            top, left = core.y - wide.y, core.x - wide.x
            inside[core.window] = found[top : top + core.height, left : left + core.width]
    return inside
