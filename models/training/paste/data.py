"""Endless training samples for the copy-paste network, and a fixed series of them for scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import BoolArray, FloatArray
from models.training.core.cache import Table
from models.training.core.loading import worker_rng
from models.training.paste.transforms import SIGMA, placed, rectangle_mask, roughen, transform

SIDE_OF_SIGMA = 512
"""Pixels a side of the images for which the paper gives sigma."""

Blend = Callable[[FloatArray, FloatArray, BoolArray], FloatArray]
"""(source, target, mask) to a blended image, H x W x 3 float32."""


@dataclass(frozen=True)
class Difficulty:
    """How T is drawn. sigma: pixels at 512 x 512, and as much less in smaller crops; local: shading that varies from
    place to place; objects: how often the mask has the shape of an object and is no rectangle."""

    sigma: float = SIGMA
    local: bool = True
    objects: float = 0.6


class PasteSamples(IterableDataset[dict[str, Tensor]]):
    """Samples of S x S pixels, float 0..1: image 3 (I, the answer), source 3 (T(I)), mask 1 (M), and poisson 3 where
    there is a `blend` to compute it.

    root: a cache folder; tables: which of its tables the images come from (photos, subjects, dev). Images much
    smaller than the crop are left out.
    """

    def __init__(
        self,
        root: Path,
        size: int,
        seed: int,
        difficulty: Difficulty | None = None,
        blend: Blend | None = None,
        tables: Sequence[str] = ("photos", "subjects"),
        shapes: str = "subjects",
    ) -> None:
        self.size, self.seed, self.blend = size, seed, blend
        self.difficulty = difficulty or Difficulty()
        self.tables = [Table(root, name) for name in tables]
        self.shapes = Table(root, shapes)
        self._large = [
            [i for i, entry in enumerate(table.entries) if max(entry.height, entry.width) >= 0.7 * size]
            for table in self.tables
        ]
        if not any(self._large):
            raise ValueError(f"no image in {root} is large enough for crops of {size} pixels: choose a smaller size")
        counts = np.array([len(large) for large in self._large])
        self._share = counts / counts.sum()

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = worker_rng(self.seed)
        while True:
            yield self.sample(rng)

    def sample(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One sample; the same for the same state of the generator."""
        chosen = rng.choice(len(self.tables), p=self._share)
        index = self._large[chosen][rng.integers(len(self._large[chosen]))]
        pixels = random_crop(self.tables[chosen][index], self.size, rng)
        image = pixels[..., :3].astype(np.float32) / np.float32(255)
        sigma = self.difficulty.sigma * self.size / SIDE_OF_SIGMA
        source = transform(image, sigma, rng, self.difficulty.local)
        mask = self._mask(pixels[..., 3] > 127, rng)
        sample: dict[str, FloatArray] = {"image": image, "source": source, "mask": mask[..., None].astype(np.float32)}
        if self.blend is not None:
            sample["poisson"] = np.clip(self.blend(source, image, mask), 0, 1)
        return {
            name: torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))) for name, value in sample.items()
        }

    def series(self, count: int) -> list[dict[str, Tensor]]:
        """The first `count` samples of a fixed series, each drawn from a generator of its own."""
        return [self.sample(np.random.default_rng((self.seed, i))) for i in range(count)]

    def _mask(self, own: BoolArray, rng: np.random.Generator) -> BoolArray:
        """The image's own subject where it has one of a fit size, the shape of another's, or a rectangle."""
        if rng.uniform() >= self.difficulty.objects:
            return rectangle_mask(self.size, rng)
        if 0.01 < own.mean() < 0.6:
            return roughen(own, rng)
        shape = self.shapes[int(rng.integers(len(self.shapes)))][..., 3] > 127
        mask = roughen(placed(shape, self.size, rng), rng) if shape.any() else rectangle_mask(self.size, rng)
        return mask if mask.any() else rectangle_mask(self.size, rng)


def random_crop(pixels: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A square of size x size from an H x W x C image whose shorter side is scaled to 1 to 1.5 sizes; mirrored at
    times."""
    height, width = pixels.shape[:2]
    scale = rng.uniform(1, 1.5) * size / min(height, width)
    if scale > 1:  # rather less of the zoom than more enlarging
        scale = max(1.0, size / min(height, width))
    wide, high = max(size, round(width * scale)), max(size, round(height * scale))
    resized = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    y, x = rng.integers(high - size + 1), rng.integers(wide - size + 1)
    crop = resized[y : y + size, x : x + size]
    return np.ascontiguousarray(crop[:, ::-1] if rng.uniform() < 0.5 else crop)


def stacked(samples: Sequence[dict[str, Tensor]], size: int) -> Iterator[dict[str, Tensor]]:
    """Samples of a series stacked `size` at a time, the last batch with what is left."""
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        yield {name: torch.stack([sample[name] for sample in part]) for name in part[0]}
