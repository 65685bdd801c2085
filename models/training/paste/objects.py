"""Endless samples for the harmonizer: objects in their own photographs, recolored, and random shapes in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from models.networks.harmonizer import GRID, SIDE
from models.networks.outline import outline_moments, outline_pairs
from models.training.core.cache import Table
from models.training.core.loading import worker_rng
from models.training.paste.recoloring import jitter, recolor

OBJECTS = 0.78  # of the samples show a photograph's own subject; the others a shape somewhere in a photograph
SET_EXPONENT = 0.45  # exponent by which images of a large set are drawn less often each
JITTERED = 0.65  # of the photographs are seen in other colors than their own
LONGEST = (128, 224)  # pixels of a crop in which the colors are changed and the outline is looked at
MISLED = 0.1  # of the samples: the outline is compared with another place, as it is where scenes differ


class ObjectSamples(IterableDataset[dict[str, Tensor]]):
    """Samples of 128 x 128 pixels, float 0..1: image 3 (the truth), source 3 (recolored everywhere), mask 1 (soft);
    and moments 26 x 8 x 8, what the outline shows at the size of the crop.

    Args:
        root: a cache folder with the tables `subjects` and `photos`, or those named.
        seed: of all draws.
        subjects: the table of photographs with masks.
        photos: the table of photographs for random shapes and for the colors of others; None: the subjects'.
    """

    def __init__(self, root: Path, seed: int, subjects: str = "subjects", photos: str | None = "photos") -> None:
        self.seed = seed
        self.subjects = Table(root, subjects)
        self.photos = Table(root, photos) if photos else self.subjects
        sets = [entry.set for entry in self.subjects.entries]
        weight = np.array([sets.count(name) ** -SET_EXPONENT for name in sets])
        self._cumulated = np.cumsum(weight / weight.sum())

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = worker_rng(self.seed)
        while True:
            yield self.sample(rng)

    def series(self, count: int) -> list[dict[str, Tensor]]:
        """The first `count` samples of a fixed series, each drawn from a generator of its own."""
        return [self.sample(np.random.default_rng((self.seed, i))) for i in range(count)]

    def sample(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One sample; the same for the same state of the generator."""
        crop = None
        while crop is None:
            crop = _crop(*self._masked(rng), rng)
        image, soft, part = crop
        if rng.uniform() < 0.5:
            image, soft = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(soft[:, ::-1])
        if rng.uniform() < JITTERED:
            image = jitter(image, rng)
        other = self.photos if rng.uniform() < 0.5 else self.subjects
        colors = other[int(rng.integers(len(other)))][..., :3]
        small = cv2.resize(colors, (64, 64), interpolation=cv2.INTER_AREA) / np.float32(255)
        source = recolor(image, small, part, rng)
        moments = _moments(source, image, soft, rng)
        planes = {"image": image, "source": source, "mask": soft}
        found = {
            name: cv2.resize(x, (SIDE, SIDE), interpolation=cv2.INTER_AREA).reshape(SIDE, SIDE, -1).transpose(2, 0, 1)
            for name, x in planes.items()
        }
        found["moments"] = moments
        return {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in found.items()}

    def _masked(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """An image and a mask in it."""
        if rng.uniform() < OBJECTS:
            pixels = self._subject(rng)
            return pixels[..., :3], pixels[..., 3]
        image = self.photos[int(rng.integers(len(self.photos)))][..., :3]
        height, width = image.shape[:2]
        full = np.zeros((height, width), np.uint8)
        shape = self._subject(rng)[..., 3]
        rows, columns = np.flatnonzero((shape > 127).any(1)), np.flatnonzero((shape > 127).any(0))
        if rng.uniform() < 0.6 and len(rows):
            shape = shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            scale = rng.uniform(0.2, 0.7) * min(height, width) / max(shape.shape)
            size = [max(1, round(side * scale)) for side in shape.shape[::-1]]
            shape = cv2.resize(shape, size, interpolation=cv2.INTER_AREA)
            y, x = rng.integers(height - shape.shape[0] + 1), rng.integers(width - shape.shape[1] + 1)
            full[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
        else:
            center = rng.uniform(0.2, 0.8, 2) * (width, height)
            sides = rng.uniform(0.15, 0.6, 2) * (width, height)
            corners = cv2.boxPoints((tuple(center), tuple(sides), float(rng.uniform(0, 90))))
            cv2.fillPoly(full, [np.round(corners).astype(np.int32)], 255)
        return image, full

    def _subject(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        index = min(int(np.searchsorted(self._cumulated, rng.uniform())), len(self.subjects) - 1)
        return self.subjects[index]


def roughened(mask: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A soft mask, 0..1, as it is, grown by a pixel, or by two to four, or shrunk by one or two: hard edges as a hand
    or a selection leaves them."""
    draw = rng.uniform()
    if draw >= 0.7:
        return mask
    hard = (mask > 0.5).astype(np.float32)
    if draw < 0.35:
        return np.asarray(cv2.dilate(hard, np.ones((3, 3), np.uint8)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    if draw < 0.47:
        return np.asarray(cv2.dilate(hard, disc, iterations=int(rng.integers(1, 3))))
    return np.asarray(cv2.erode(hard, disc if rng.uniform() < 0.4 else np.ones((3, 3), np.uint8)))


def stacked(series: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """All samples of a series as one batch."""
    return {name: torch.stack([sample[name] for sample in series]) for name in series[0]}


def _crop(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], float] | None:
    """The object in its surroundings, its mask, and the share of the image that it is; None where the object is too
    small or fills all of it."""
    rows, columns = np.flatnonzero((mask > 127).any(1)), np.flatnonzero((mask > 127).any(0))
    if len(rows) < 8 or len(columns) < 8:
        return None
    longer = max(len(rows), len(columns))
    around = np.round(rng.uniform(0.3, 0.8, 4 if rng.uniform() < 0.5 else 1) * longer).astype(int) * np.ones(4, int)
    top, left = max(0, rows[0] - around[0]), max(0, columns[0] - around[1])
    bottom, right = rows[-1] + 1 + around[2], columns[-1] + 1 + around[3]
    seen, alpha = (np.ascontiguousarray(x[top:bottom, left:right]) for x in (image, mask))
    scale = min(1.0, rng.uniform(*LONGEST) / max(alpha.shape))
    size = max(8, round(alpha.shape[1] * scale)), max(8, round(alpha.shape[0] * scale))
    small, soft = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) / np.float32(255) for x in (seen, alpha))
    soft = roughened(soft, rng)
    if not 0.02 < soft.mean() < 0.9:
        return None
    height, width = mask.shape
    part = (min(bottom, height) - top) * (min(right, width) - left) / (height * width)
    return small, soft, float(part)


def _moments(
    source: NDArray[np.float32], image: NDArray[np.float32], soft: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """What the outline shows of source and image; at times of another place of the image."""
    pairs = outline_pairs(soft)
    height, width = soft.shape
    rows, columns = pairs.without
    if rng.uniform() < MISLED:
        rows, columns = (rows + rng.integers(height)) % height, (columns + rng.integers(width)) % width
    places = np.column_stack([(pairs.within[0] + 0.5) / height, (pairs.within[1] + 0.5) / width]).astype(np.float32)
    return outline_moments(source[pairs.within], image[rows, columns], places, GRID)
