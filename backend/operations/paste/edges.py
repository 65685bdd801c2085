"""Whether what is pasted ends in a seam that is to vanish, or in an outline of its own that is to stay."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.imaging.masks.regions import bounding_box

SAME_SCENE = 0.5  # agreement of the surroundings from which on the images show the same scene
FILLED = 0.995  # of its box: an opaque rectangle has no outline of its own
SIDE = 384  # longest side in pixels of the copy on which outlines are looked for
ON_OUTLINE, BESIDE = 2.0, (5.0, 14.0)  # distances from the mask's outline in pixels of that copy
FOLLOWS = 1.3  # so many times the gradients beside it a mask's outline has where it follows an edge


@dataclass(frozen=True)
class Edge:
    """kind: seamless or object; reason: a sentence for the user."""

    kind: str
    reason: str


def choose_edge(content: AnyArray, mask: BoolArray, known: BoolArray, agreement: float) -> Edge:
    """Decide between a seamless edge and that of an object.

    Args:
        content: H x W x C, what is pasted.
        mask: H x W, where it is pasted.
        known: H x W, where the content exists.
        agreement: of content and target around the mask, 0..1; see `gradient_transfer`.

    Returns:
        The edge, and why.
    """
    if agreement >= SAME_SCENE:
        return Edge("seamless", "Pasted seamlessly: around it both images show the same scene.")
    box = bounding_box(mask)
    assert box is not None  # the caller has refused an empty mask
    if mask[box.window].mean() >= FILLED:
        return Edge("seamless", "Pasted seamlessly: a rectangle has no outline of its own.")
    band = cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    if (band & known).sum() < 0.5 * band.sum():
        return Edge("object", "Pasted as an object: it is cut out.")
    if outline_contrast(content, mask) >= FOLLOWS:
        return Edge("object", "Pasted as an object: the selection follows its outline.")
    return Edge("seamless", "Pasted seamlessly: the selection follows no outline.")


def outline_contrast(content: AnyArray, mask: BoolArray) -> float:
    """How many times stronger the content's gradients are on the mask's outline than beside it."""
    box = bounding_box(mask)
    assert box is not None
    seen = box.padded(max(box.width, box.height) // 4 + 4, mask.shape)
    scale = min(1.0, SIDE / max(seen.width, seen.height))
    size = max(1, round(seen.width * scale)), max(1, round(seen.height * scale))
    image = to_unit(reduced(np.ascontiguousarray(content[seen.window]), size)).reshape(size[1], size[0], -1)
    gray = np.ascontiguousarray(image.mean(2))
    inside = (reduced(np.ascontiguousarray(mask[seen.window].astype(np.float32)), size) >= 0.5).astype(np.uint8)
    strength = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    distance = _distance_to_outline(inside)
    on, beside = distance < ON_OUTLINE, (distance >= BESIDE[0]) & (distance < BESIDE[1])
    if not on.any() or not beside.any():
        return 1.0
    return float(strength[on].mean() / max(float(strength[beside].mean()), 0.02))


def _distance_to_outline(inside: UInt8Array) -> FloatArray:
    distance: FloatArray = np.where(
        inside > 0,
        cv2.distanceTransform(inside, cv2.DIST_L2, 3),
        cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3),
    ).astype(np.float32)
    return distance
