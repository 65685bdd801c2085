"""The object that dots or an outline mean, as public networks see it: those of prompts, and those that find objects one
by one."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray, UInt8Array
from backend.imaging.masks.hysteresis import hysteresis
from backend.imaging.masks.regions import bounding_box, components

from .. import Context
from ..public import instance_maps, prompted_map, public_card


def public_object(
    pixels: AnyArray, digest: str, selection: UInt8Array, dots: bool, context: Context
) -> FloatArray | None:
    """A map of the whole image, None where no public network fills the role, or none of its objects is meant.

    Args:
        pixels: The image.
        digest: Of the image.
        selection: H x W, 0..255.
        dots: Whether that is dots on the object rather than an outline around it.
        context: What the job may use.
    """
    if (card := public_card("object", context)) is not None:
        points = centers(selection) if dots else np.zeros((0, 2), np.float32)
        box = None if dots else bounding_box(selection)
        return hysteresis(prompted_map(card, pixels, digest, points, box, context))
    if dots and (card := public_card("instances", context)) is not None:
        return instance_at(instance_maps(card, pixels, context), centers(selection), selection.shape)
    return None


def centers(selection: UInt8Array) -> FloatArray:
    """A point within each part of a selection, N x 2, x and y: the one that is farthest from its edge."""
    found = []
    for part in components(selection):
        distance = cv2.distanceTransform(np.pad(part.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        y, x = np.unravel_index(int(distance.argmax()), distance.shape)
        found.append((x + 0.5, y + 0.5))
    return np.array(found, np.float32).reshape(-1, 2)


def instance_at(maps: list[FloatArray], points: FloatArray, shape: tuple[int, ...]) -> FloatArray | None:
    """The smallest object with all of the points on it.

    maps: of the whole image, of any size; points: N x 2 in pixels of the image, whose H and W are `shape`.
    """
    found = []
    for probability in maps:
        at = points * np.array([probability.shape[1] / shape[1], probability.shape[0] / shape[0]], np.float32)
        x, y = at.astype(int).T
        if (probability[y, x] > 0.5).all():
            found.append(probability)
    return min(found, key=lambda probability: float((probability > 0.5).mean()), default=None)
