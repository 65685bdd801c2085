"""Photographs to restyle while training, and the images with which styles are scored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import UInt8Array
from models.training.core.cache import Table
from models.training.core.images import list_images, read_rgb, resized
from models.training.core.loading import worker_rng


def read_image(path: Path, shorter_side: int, longest: int = 0) -> UInt8Array:
    """H x W x 3 RGB u8, its shorter side scaled to `shorter_side` pixels. Raises ValueError on what is no image.

    longest: the middle alone of an image that is more than so many times as long as it is wide; 0 takes it whole.
    """
    rgb = read_rgb(path)
    if longest:
        most = longest * min(rgb.shape[:2])
        y, x = (max(0, (side - most) // 2) for side in rgb.shape[:2])
        rgb = rgb[y : y + most, x : x + most]
    scale = shorter_side / min(rgb.shape[:2])
    return resized(rgb, (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)))


def to_tensor(image: UInt8Array) -> Tensor:
    """H x W x 3 u8 to 1 x 3 x H x W, 0..1."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def scoring_photos(folder: Path, every: int = 1, shorter_side: int = 384) -> list[Tensor]:
    """Each so-many-th photograph of a folder, 1 x 3 x H x W, cropped to sides that are multiples of 4."""
    images = [read_image(path, shorter_side) for path in list_images(folder)[::every]]
    return [to_tensor(image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]) for image in images]


class Crops(IterableDataset[Tensor]):
    """Endless random, sometimes mirrored, square crops of the photographs of a cache folder, 3 x H x W u8."""

    def __init__(self, cache: Path, size: int, seed: int, zoom: tuple[float, float] = (1.0, 1.5)) -> None:
        self.table, self.size, self.seed, self.zoom = Table(cache, "photos"), size, seed, zoom

    def __iter__(self) -> Iterator[Tensor]:
        rng = worker_rng(self.seed)
        while True:
            yield self._crop(self.table[int(rng.integers(len(self.table)))], rng)

    def _crop(self, image: UInt8Array, rng: np.random.Generator) -> Tensor:
        side = min(round(self.size / rng.uniform(*self.zoom)), *image.shape[:2])
        y, x = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
        crop = cv2.resize(np.ascontiguousarray(image[y : y + side, x : x + side, :3]), (self.size, self.size))
        return torch.from_numpy(np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)).permute(2, 0, 1)
