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

from models.networks.harmonizer import SIDE
from models.training.core.cache import Table
from models.training.core.loading import worker_rng
from models.training.paste.recoloring import jitter, recolor

OBJECTS = 0.78  # of the samples show a photograph's own subject; the others a shape somewhere in a photograph
SET_EXPONENT = 0.45  # exponent by which images of a large set are drawn less often each
JITTERED = 0.6  # of the photographs are seen in other colors than their own


class ObjectSamples(IterableDataset[dict[str, Tensor]]):
    """Samples of 128 x 128 pixels, float 0..1: image 3 (the truth), source 3 (recolored everywhere), mask 1 (soft).

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
            pixels, mask = self._masked(rng)
            crop = _crop(pixels, roughened(mask, rng), rng)
        image, soft, part = crop
        if rng.uniform() < 0.5:
            image, soft = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(soft[:, ::-1])
        if rng.uniform() < JITTERED:
            image = jitter(image, rng)
        other = self.photos if rng.uniform() < 0.5 else self.subjects
        colors = other[int(rng.integers(len(other)))][..., :3]
        small = cv2.resize(colors, (64, 64), interpolation=cv2.INTER_AREA) / np.float32(255)
        source = recolor(image, small, part, rng)
        found = {"image": image, "source": source, "mask": soft[..., None]}
        return {name: torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))) for name, x in found.items()}

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


def roughened(mask: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A mask as it is, grown by a pixel, or by two to four: hard edges as a hand or a selection leaves them."""
    draw = rng.uniform()
    if draw >= 0.6:
        return mask
    hard = (mask > 127).astype(np.uint8) * 255
    if draw < 0.45:
        return np.asarray(cv2.dilate(hard, np.ones((3, 3), np.uint8)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.dilate(hard, disc, iterations=int(rng.integers(1, 3))))


def stacked(series: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """All samples of a series as one batch."""
    return {name: torch.stack([sample[name] for sample in series]) for name in series[0]}


def _crop(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], float] | None:
    """The object in its surroundings, squashed to the network's side, and the share of the image that it is; None
    where the object is too small or fills all of it."""
    rows, columns = np.flatnonzero((mask > 127).any(1)), np.flatnonzero((mask > 127).any(0))
    if len(rows) < 8 or len(columns) < 8:
        return None
    longer = max(len(rows), len(columns))
    around = np.round(rng.uniform(0.3, 0.8, 4 if rng.uniform() < 0.5 else 1) * longer).astype(int) * np.ones(4, int)
    top, left = max(0, rows[0] - around[0]), max(0, columns[0] - around[1])
    bottom, right = rows[-1] + 1 + around[2], columns[-1] + 1 + around[3]
    size = (SIDE, SIDE)
    small, soft = (
        cv2.resize(np.ascontiguousarray(x[top:bottom, left:right]), size, interpolation=cv2.INTER_AREA)
        / np.float32(255)
        for x in (image, mask)
    )
    if not 0.02 < soft.mean() < 0.9:
        return None
    height, width = mask.shape
    part = (min(bottom, height) - top) * (min(right, width) - left) / (height * width)
    return small.astype(np.float32), soft.astype(np.float32), float(part)
