"""Holes to train inpainting with: irregular strokes, and the shapes of objects, which is what gets removed in practice.

Masks are S x S bool, true in the hole.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.core.arrays import BoolArray

LARGEST = 0.4  # share of the image that a hole may take


def strokes(size: int, rng: np.random.Generator) -> BoolArray:
    """A few strokes of a brush that keeps turning, with round ends."""
    canvas = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        width = max(2, round(size * rng.uniform(0.015, 0.08)))
        point, angle = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(int(rng.integers(2, 10))):
            angle += rng.normal(0, 0.7)
            end = point + size * rng.uniform(0.04, 0.18) * np.array([np.cos(angle), np.sin(angle)])
            ends = [(int(p[0]), int(p[1])) for p in (point, end)]
            cv2.line(canvas, ends[0], ends[1], 255, width, cv2.LINE_8)
            cv2.circle(canvas, ends[1], width // 2, 255, -1)
            point = end
    return canvas > 0


def object_shape(outline: NDArray[np.uint8], size: int, rng: np.random.Generator) -> BoolArray:
    """The shape of a mask (h x w, 0..255) anywhere in the image, scaled, turned a little, mirrored, and dilated as a
    user would who removes it."""
    height, width = outline.shape
    scale = size * rng.uniform(0.25, 0.9) / max(height, width)
    angle, flip = rng.normal(0, 0.2), (-1 if rng.uniform() < 0.5 else 1)
    turn = scale * np.array([[np.cos(angle) * flip, -np.sin(angle)], [np.sin(angle) * flip, np.cos(angle)]])
    center = size * rng.uniform(0.1, 0.9, 2)
    matrix = np.column_stack([turn, center - turn @ np.array([width / 2, height / 2])])
    shape = cv2.warpAffine(outline, matrix, (size, size), flags=cv2.INTER_AREA)
    radius = round(size * rng.uniform(0, 0.035))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    grown: BoolArray = cv2.dilate(shape, kernel) > 127
    return grown


class Outlines(Protocol):
    """Masks of objects, h x w, 0..255."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]: ...


class HoleShapes:
    """Draws holes: strokes, the objects of some masks, or both at once."""

    def __init__(self, outlines: Outlines, object_share: float = 0.6) -> None:
        self.outlines, self.object_share = outlines, object_share if len(outlines) else 0.0

    def draw(self, size: int, rng: np.random.Generator) -> BoolArray:
        """A hole that takes between 1/200 and LARGEST of the image."""
        while True:
            hole = np.zeros((size, size), bool)
            kind = rng.uniform()
            if kind < self.object_share:
                hole |= object_shape(self.outlines[int(rng.integers(len(self.outlines)))], size, rng)
            if kind > self.object_share or rng.uniform() < 0.15:
                hole |= strokes(size, rng)
            if 0.005 <= hole.mean() <= LARGEST:
                return hole
