"""Endless training samples for the sky network: photographs with and without a sky, other skies put into them, things
put before them, and night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import FloatArray, UInt8Array
from models.training.core.augment import composite, degrade, jitter_colors, random_affine, warp
from models.training.core.cache import Table
from models.training.core.loading import worker_rng
from models.training.sky.labels import NONE, SKY, held_out

FULL = 0.97  # share of sky in rows that are taken for a sky to put elsewhere
LEAST_ROWS = 48
PLAIN = 0.04  # share of the images without a sky that are of one color, or a slope of color across


class SkySamples(IterableDataset[dict[str, Tensor]]):
    """Samples of S x S, uint8: image 3, sky 1.

    Args:
        root: a cache folder with the tables sky and cutouts.
        size: S, in pixels.
        seed: of the random numbers.
        none_share: share of samples that are photographs without a sky.
    """

    def __init__(self, root: Path, size: int, seed: int, none_share: float = 0.3) -> None:
        self.size, self.seed, self.none_share = size, seed, none_share
        self.table, self.cutouts = Table(root, "sky"), Table(root, "cutouts")
        learned = [(i, entry) for i, entry in enumerate(self.table.entries) if not held_out(entry)]
        self.skies = [i for i, entry in learned if entry.kind == SKY]
        self.others = [i for i, entry in learned if entry.kind == NONE]

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = worker_rng(self.seed)
        while True:
            yield self._sample(rng)

    def _sample(self, rng: np.random.Generator) -> dict[str, Tensor]:
        none = rng.uniform() < self.none_share
        chosen = self.others if none else self.skies
        rgb, sky = self._warped(int(rng.choice(chosen)), rng)
        if none and rng.uniform() < PLAIN:
            rgb = _slope(self.size, rng)
        if not none and rng.uniform() < 0.3:
            other = _clouds(self.size, rng) if rng.uniform() < 0.4 else self._other_sky(rng)
            if other is not None:
                rgb = swap_sky(rgb, sky, other, rng)
        if rng.uniform() < 0.2:
            front = self._cutout(rng)
            rgb = composite(front[..., :3], front[..., 3], rgb, rng)
            sky = np.minimum(sky, 255 - front[..., 3])
        if rng.uniform() < 0.12:
            rgb = darken(rgb, sky, rng)
        rgb = degrade(jitter_colors(rgb, rng), rng)
        image = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
        return {"image": image, "sky": torch.from_numpy(np.ascontiguousarray(sky))[None]}

    def _warped(self, index: int, rng: np.random.Generator) -> tuple[UInt8Array, UInt8Array]:
        pixels = self.table[index]
        matrix = random_affine(pixels.shape[1], pixels.shape[0], self.size, rng)
        warped = warp(np.asarray(pixels), matrix, self.size)
        return np.ascontiguousarray(warped[..., :3]), warped[..., 3].copy()

    def _other_sky(self, rng: np.random.Generator) -> UInt8Array | None:
        """The rows of another photograph that hold nothing but sky, at the sample's size."""
        pixels = self.table[int(rng.choice(self.skies))]
        full = (pixels[..., 3] > 127).mean(1) > FULL
        rows = len(full) if full.all() else int(full.argmin())
        if rows < LEAST_ROWS:
            return None
        part = np.ascontiguousarray(pixels[:rows, :, :3])
        if rng.uniform() < 0.5:
            part = part[:, ::-1]
        return np.asarray(cv2.resize(part, (self.size, self.size), interpolation=cv2.INTER_AREA))

    def _cutout(self, rng: np.random.Generator) -> UInt8Array:
        """An object, RGBA, somewhere on an empty sample."""
        pixels = self.cutouts[int(rng.integers(len(self.cutouts)))]
        height, width = pixels.shape[:2]
        scale = self.size * rng.uniform(0.2, 0.9) / max(height, width)
        linear = np.diag([scale * (-1 if rng.uniform() < 0.5 else 1), scale])
        center = self.size * rng.uniform([0.1, 0.3], [0.9, 0.95])
        matrix = np.column_stack([linear, center - linear @ np.array([width / 2, height / 2])])
        return warp(np.asarray(pixels), matrix, self.size, cv2.BORDER_CONSTANT)


def swap_sky(rgb: UInt8Array, sky: UInt8Array, other: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """`other`, S x S x 3, where `rgb` has sky; the rest drawn towards the new sky's color at times."""
    front = rgb.astype(np.float32)
    if rng.uniform() < 0.5:
        front *= 1 - rng.uniform(0, 0.4) + rng.uniform(0, 0.4) * other.mean((0, 1)) / 128
    weight = sky[..., None].astype(np.float32) / 255
    return np.clip(np.round(front * (1 - weight) + other * weight), 0, 255).astype(np.uint8)


def darken(rgb: UInt8Array, sky: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Night: little light, a sky darker still, bluish, at times with stars and lamps."""
    light = np.float32(rng.uniform(0.08, 0.45)) * np.array([0.8, 0.9, 1.1], np.float32) ** np.float32(rng.uniform(0, 2))
    darker = 1 - np.float32(rng.uniform(0, 0.7)) * (sky[..., None].astype(np.float32) / 255)
    dark = rgb.astype(np.float32) * light * darker
    count = int(rng.integers(0, 40))
    rows, columns = rng.integers(0, rgb.shape[0], count), rng.integers(0, rgb.shape[1], count)
    for row, column in zip(rows, columns, strict=True):
        warm = (255, 210, 140) if sky[row, column] < 128 else (220, 225, 255)
        radius = int(rng.integers(1, 4)) if sky[row, column] < 128 else 0
        dark = cv2.circle(dark, (int(column), int(row)), radius, warm, -1)
    return np.asarray(np.clip(dark, 0, 255), np.uint8)


def _slope(size: int, rng: np.random.Generator) -> UInt8Array:
    """One color, or a slope from left to right: a wall, a page, a test card."""
    ends = rng.uniform(0, 255, (2, 3)) if rng.uniform() < 0.5 else rng.uniform(0, 255, (2, 1)) * np.ones(3)
    across = np.linspace(0, 1, size)[None, :, None] * (rng.uniform() < 0.5)
    return np.asarray(ends[0] * (1 - across) + ends[1] * across + np.zeros((size, 1, 1)), np.uint8)


def _clouds(size: int, rng: np.random.Generator) -> UInt8Array:
    """A sky made by rule: a gradient from the horizon to the top, and clouds of noise at several scales."""
    top = np.array([rng.uniform(20, 130), rng.uniform(60, 170), rng.uniform(110, 240)], np.float32)
    bottom = np.array([rng.uniform(120, 255), rng.uniform(120, 240), rng.uniform(120, 245)], np.float32)
    if rng.uniform() < 0.35:  # overcast
        top = bottom = np.full(3, rng.uniform(90, 250), np.float32) + rng.uniform(-8, 8, 3).astype(np.float32)
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None] ** np.float32(rng.uniform(0.6, 1.8))
    sky = top * (1 - down) + bottom * down + np.zeros((size, size, 3), np.float32)
    noise: FloatArray = np.zeros((size, size), np.float32)
    for octave in range(2, 7):
        cells = rng.uniform(-1, 1, (2**octave, max(2, 2 ** (octave - 1)))).astype(np.float32)
        noise += cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC) / np.float32(1.7 ** (octave - 2))
    cover = np.clip((noise - np.float32(rng.uniform(-0.5, 1.2))) * np.float32(rng.uniform(0.3, 1.5)), 0, 1)[..., None]
    cloud = np.float32(rng.uniform(90, 255)) * np.array([1, 1, 1], np.float32)
    return np.asarray(np.clip(sky * (1 - cover) + cloud * cover, 0, 255), np.uint8)
