"""Samples to train inpainting with: crops of photographs and holes in them; and the fixed ones that it is scored on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import BoolArray, UInt8Array
from models.training.core.cache import Table
from models.training.core.images import list_images, read_gray, read_rgb, resized
from models.training.core.loading import worker_rng
from models.training.fill.masks import HoleShapes, Outlines, object_shape, strokes

CROP = 512  # side of the crops that are scored, before they are reduced
SMALLEST, LARGEST = 0.05, 0.25  # their holes' share of the image


class Folder:
    """A folder's images by name, H x W x 3 RGB; masks H x W. Raises FileNotFoundError when there is none."""

    def __init__(self, folder: Path, masks: bool = False) -> None:
        self.paths = list_images(folder)
        self.masks = masks
        if not self.paths:
            raise FileNotFoundError(f"there are no images in {folder}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> UInt8Array:
        return (read_gray if self.masks else read_rgb)(self.paths[index])


class Cached:
    """A table of images decoded before (models/training/core/cache.py): its colors, or its masks."""

    def __init__(self, cache: Path, name: str, masks: bool = False) -> None:
        self.table, self.channels = Table(cache, name), 3 if masks else slice(0, 3)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> UInt8Array:
        return self.table[index][..., self.channels]


class HoleSamples(IterableDataset[dict[str, Tensor]]):
    """Endless samples, uint8: image 3 x S x S, a random crop, mirrored or not; mask 1 x S x S, 1 where known.

    photos: H x W x 3 images; outlines: masks of objects.
    """

    def __init__(self, photos: Outlines, outlines: Outlines, size: int, seed: int) -> None:
        self.photos, self.holes = photos, HoleShapes(outlines)
        self.size, self.seed = size, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = worker_rng(self.seed)
        while True:
            image = random_crop(self.photos[int(rng.integers(len(self.photos)))], self.size, rng)
            yield sample(image, self.holes.draw(self.size, rng))


def sample(image: UInt8Array, hole: BoolArray) -> dict[str, Tensor]:
    """Tensors of an image (S x S x 3) and its hole (S x S)."""
    return {
        "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
        "mask": torch.from_numpy((~hole)[None].astype(np.uint8)),
    }


def random_crop(image: UInt8Array, size: int, rng: np.random.Generator) -> UInt8Array:
    """A square of `size` pixels from anywhere of the image, at a random scale at which it fits."""
    height, width = image.shape[:2]
    scale = size / min(height, width) * rng.uniform(1.0, 1.5)
    part = round(size / scale)  # cut first: what is not seen need not be resized
    y, x = (int(rng.integers(0, max(0, extent - part) + 1)) for extent in (height, width))
    crop = image[y : y + part, x : x + part]
    if rng.uniform() < 0.5:
        crop = crop[:, ::-1]
    return resized(crop, (size, size))


def held_out(photos: Folder, outlines: Folder, size: int) -> list[dict[str, Tensor]]:
    """Always the same samples: of each image the middle, reduced to `size`, with strokes and with an object's shape
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
