"""Prompts as a user would draw them, made from a true mask: boxes, lassos, dots and scribbles, and strokes on what is
not meant."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.core.arrays import UInt8Array
from models.training.core.images import bounding_box

REGION, INSIDE, OUTSIDE = 0, 1, 2


def depth_inside(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in pixels of inner pixels to the nearest outer one; all beyond the frame is outer, so it is finite."""
    padded = np.pad(mask.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1])


def box(mask: UInt8Array, rng: np.random.Generator, jitter: float = 0.15) -> UInt8Array:
    """A filled box around the mask, each side off by up to `jitter` of the box's size outwards or a third of that
    inwards."""
    x0, y0, x1, y1 = bounding_box(mask > 127)
    w, h = x1 - x0, y1 - y0
    left, top, right, bottom = rng.uniform(-jitter / 3, jitter, 4) * rng.uniform()
    out = np.zeros_like(mask)
    corners = (round(x0 - left * w), round(y0 - top * h)), (round(x1 + right * w) - 1, round(y1 + bottom * h) - 1)
    cv2.rectangle(out, *corners, 255, -1)
    return out


def lasso(mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """A rough hand-drawn outline: the mask filled, grown (seldom shrunk) by some percent of its size, its outline made
    wobbly."""
    x0, y0, x1, y1 = bounding_box(mask > 127)
    size = max(x1 - x0, y1 - y0)
    hard = (mask > 127).astype(np.uint8)
    if rng.uniform() < 0.5:  # some draw around the convex shape
        points = cv2.findNonZero(hard)
        hard = cv2.fillConvexPoly(np.zeros_like(hard), cv2.convexHull(points), 1)
    grow = rng.uniform(-0.02, 0.1) * size
    distance = cv2.distanceTransform(1 - hard, cv2.DIST_L2, 3) - depth_inside(hard > 0)
    cells = int(rng.integers(4, 10))
    wobble = cv2.resize(
        rng.normal(size=(cells, cells)).astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    region = (distance < grow + wobble * rng.uniform(0, 0.03) * size).astype(np.uint8)
    return np.asarray(region * np.uint8(255))


def strokes(mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """One to three dots or a short scribble inside the mask, more often deep inside than near its edge."""
    out = np.zeros_like(mask)
    depth = depth_inside(mask > 127).ravel().astype(np.float64)
    total = depth.sum()
    if total <= 0:
        return out
    radius = max(2, round(float(rng.uniform(0.01, 0.03)) * max(mask.shape)))
    places = rng.choice(depth.size, int(rng.integers(1, 4)), p=depth / total)
    points = [(int(p % mask.shape[1]), int(p // mask.shape[1])) for p in places]
    for point in points:
        cv2.circle(out, point, radius, 255, -1)
    if rng.uniform() < 0.3:
        cv2.polylines(out, [np.asarray(points, np.int32)], False, 255, radius)
        out[mask <= 127] = 0
    return out


def prompt_for(mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """3 x H x W uint8 (region, inside, outside) that means the object `mask`; all zero for an empty mask."""
    out = np.zeros((3, *mask.shape), np.uint8)
    if np.count_nonzero(mask > 127) == 0:
        return out
    kind = rng.uniform()
    if kind < 0.45:
        out[REGION] = box(mask, rng)
    elif kind < 0.75:
        out[REGION] = lasso(mask, rng)
    if kind >= 0.75 or rng.uniform() < 0.15:
        out[INSIDE] = strokes(mask, rng)
    if rng.uniform() < 0.2:
        near = cv2.dilate(mask, np.ones((5, 5), np.uint8), iterations=2)
        out[OUTSIDE] = strokes(255 - near, rng)
    return out
