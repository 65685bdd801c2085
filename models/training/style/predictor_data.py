"""Style images without end: crops and recolorings of paintings, and photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import UInt8Array
from models.training.core.augment import jitter_colors
from models.training.core.cache import Table
from models.training.core.images import read_rgb, resized
from models.training.core.loading import worker_rng

PAINTINGS = 0.65  # of the style images; the others are photographs
RECOLORED = 0.5  # of the paintings' crops


class StyleImages(IterableDataset[Tensor]):
    """Squares of `size` pixels, 3 x S x S u8. cache: a folder with the table `photos`."""

    def __init__(self, paintings: Sequence[Path], cache: Path, size: int, seed: int) -> None:
        if not paintings:
            raise ValueError("there are no paintings to learn from")
        self.paintings, self.photos = [read_rgb(path) for path in paintings], Table(cache, "photos")
        self.size, self.seed = size, seed

    def __iter__(self) -> Iterator[Tensor]:
        rng = worker_rng(self.seed)
        while True:
            if rng.random() < PAINTINGS:
                image = self._crop(self.paintings[int(rng.integers(len(self.paintings)))], rng)
                if rng.random() < RECOLORED:
                    image = recolored(image, self._photo(rng), rng)
            else:
                image = self._photo(rng)
            yield torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))

    def _photo(self, rng: np.random.Generator) -> UInt8Array:
        return self._crop(np.asarray(self.photos[int(rng.integers(len(self.photos)))][..., :3]), rng)

    def _crop(self, image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
        """A square of the image, from two fifths of its shorter side to all of it."""
        side = max(1, round(min(image.shape[:2]) * rng.uniform(0.4, 1.0)))
        y, x = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
        crop = resized(image[y : y + side, x : x + side], (self.size, self.size))
        return np.asarray(crop[:, ::-1] if rng.random() < 0.5 else crop, np.uint8)


def recolored(image: UInt8Array, other: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """The same strokes in other colors: those of another image, channels that change places, or light and tint."""
    draw = rng.random()
    if draw < 0.4:
        return matched(image, other)
    if draw < 0.65:
        return np.ascontiguousarray(image[..., rng.permutation(3)])
    return jitter_colors(np.ascontiguousarray(image), rng)


def matched(image: UInt8Array, other: UInt8Array) -> UInt8Array:
    """`image` with the mean and deviation of `other` in each channel of CIE L*a*b* (Reinhard et al. 2001)."""
    lab, wanted = (cv2.cvtColor(np.float32(p) / np.float32(255), cv2.COLOR_RGB2LAB) for p in (image, other))
    mean, std = lab.mean((0, 1)), lab.std((0, 1)) + 1e-3
    moved = (lab - mean) * (wanted.std((0, 1)) / std).clip(0.3, 3) + wanted.mean((0, 1))
    rgb = cv2.cvtColor(np.float32(moved), cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), np.uint8)
