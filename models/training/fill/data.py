"""Samples to train inpainting with: crops of photographs and holes in them; and the fixed ones that it is scored on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from models.training.core.cache import Table
from models.training.fill.masks import HoleShapes, Mask, Outlines, object_shape, strokes

PICTURES = (".jpg", ".png", ".webp")
CROP = 512  # side of the crops that are scored, before they are reduced
SMALLEST, LARGEST = 0.05, 0.25  # their holes' share of the picture

Pixels = NDArray[np.uint8]


class Folder:
    """A folder's pictures by name, H x W x 3 RGB; masks H x W. Raises FileNotFoundError when there is none."""

    def __init__(self, folder: Path, masks: bool = False) -> None:
        self.paths = sorted(path for path in folder.iterdir() if path.suffix in PICTURES)
        self.masks = masks
        if not self.paths:
            raise FileNotFoundError(f"there are no pictures in {folder}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pixels:
        image = cv2.imread(str(self.paths[index]), cv2.IMREAD_GRAYSCALE if self.masks else cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"{self.paths[index]} is no picture that can be read")
        return np.asarray(image if self.masks else image[..., ::-1], np.uint8)


class Cached:
    """A table of pictures decoded before (models/training/core/cache.py): its colors, or its masks."""

    def __init__(self, cache: Path, name: str, masks: bool = False) -> None:
        self.table, self.channels = Table(cache, name), 3 if masks else slice(0, 3)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> Pixels:
        return self.table[index][..., self.channels]


class HoleSamples(IterableDataset[dict[str, Tensor]]):
    """Endless samples, uint8: image 3 x S x S, a random crop, mirrored or not; mask 1 x S x S, 1 where known.

    photos: H x W x 3 pictures; outlines: masks of objects.
    """

    def __init__(self, photos: Outlines, outlines: Outlines, size: int, seed: int) -> None:
        self.photos, self.holes = photos, HoleShapes(outlines)
        self.size, self.seed = size, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        cv2.setNumThreads(1)
        while True:
            image = random_crop(self.photos[int(rng.integers(len(self.photos)))], self.size, rng)
            yield sample(image, self.holes.draw(self.size, rng))


def sample(image: Pixels, hole: Mask) -> dict[str, Tensor]:
    """Tensors of a picture (S x S x 3) and its hole (S x S)."""
    return {
        "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
        "mask": torch.from_numpy((~hole)[None].astype(np.uint8)),
    }


def random_crop(image: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A square of `size` pixels from anywhere of the picture, at a random scale at which it fits."""
    height, width = image.shape[:2]
    scale = size / min(height, width) * rng.uniform(1.0, 1.5)
    part = round(size / scale)  # cut first: what is not seen need not be resized
    y, x = (int(rng.integers(0, max(0, extent - part) + 1)) for extent in (height, width))
    crop = image[y : y + part, x : x + part]
    if rng.uniform() < 0.5:
        crop = crop[:, ::-1]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(crop), (size, size), interpolation=interpolation), np.uint8)


def held_out(photos: Folder, outlines: Folder, size: int) -> list[dict[str, Tensor]]:
    """Always the same samples: of each picture the middle, reduced to `size`, with strokes and with an object's shape
    as its hole."""
    found = []
    for number in range(len(photos)):
        rng = np.random.default_rng(number)
        image = photos[number]
        side = min(CROP, *image.shape[:2])
        y, x = ((extent - side) // 2 for extent in image.shape[:2])
        image = cv2.resize(np.ascontiguousarray(image[y : y + side, x : x + side]), (size, size), None, 0, 0,
                           cv2.INTER_AREA)  # fmt: skip
        for shaped in (False, True):
            while True:
                outline = outlines[int(rng.integers(len(outlines)))]
                hole = object_shape(outline, size, rng) if shaped else strokes(size, rng)
                if SMALLEST <= hole.mean() <= LARGEST:
                    break
            found.append(sample(np.asarray(image, np.uint8), hole))
    return found
