"""Images with class maps from a folder: PASCAL VOC's layout, or images/ and masks/ with the subject as class 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.imagenet import normalize_pixels
from models.training.core.augment import jitter_colors, random_affine, warp
from models.training.core.images import read_rgb
from models.voc import IGNORE


@dataclass(frozen=True)
class Pair:
    """An image and its class map."""

    image: Path
    labels: Path


def find_pairs(folder: Path, split: str) -> list[Pair]:
    """The pairs of a split. VOC: ImageSets/Segmentation/SPLIT.txt; images/ and masks/: folder/SPLIT, else every tenth
    is for `val`.

    Raises ValueError where neither layout is found.
    """
    listing = folder / "ImageSets" / "Segmentation" / f"{split}.txt"
    if listing.exists():
        names = listing.read_text().split()
        return [Pair(folder / "JPEGImages" / f"{n}.jpg", folder / "SegmentationClass" / f"{n}.png") for n in names]
    for root in (folder / split, folder):
        if (root / "images").is_dir() and (root / "masks").is_dir():
            images = {path.stem: path for path in (root / "images").iterdir()}
            masks = sorted(path for path in (root / "masks").glob("*.png") if path.stem in images)
            pairs = [Pair(images[mask.stem], mask) for mask in masks]
            if root != folder:
                return pairs
            return [pair for i, pair in enumerate(pairs) if (i % 10 == 9) == (split == "val")]
    raise ValueError(f"{folder} holds neither ImageSets/Segmentation/{split}.txt nor images/ and masks/")


def read_labels(path: Path, classes: int) -> np.ndarray:
    """H x W uint8 class numbers: the palette's of a VOC file (255 is ignored), or 0 and 1 of a mask where there are 2
    classes."""
    from PIL import Image

    with Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP", "GIF")) as image:
        values = np.asarray(image if image.mode == "P" else image.convert("L"), np.uint8)
        palette = image.mode == "P"
    return values if palette or classes != 2 else (values > 127).astype(np.uint8)


class SegmentationFolder(Dataset[tuple[Tensor, Tensor]]):
    """(3 x S x S normalized image, S x S class numbers) of one split; stretched to S x S, as the papers do, and
    augmented."""

    def __init__(self, folder: Path, split: str, size: int, classes: int, augment: bool, seed: int = 0) -> None:
        self.pairs = find_pairs(folder, split)
        self.size, self.classes, self.augment, self.seed = size, classes, augment, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pair = self.pairs[index]
        rgb = read_rgb(pair.image)
        labels = read_labels(pair.labels, self.classes)
        if self.augment:
            rng = np.random.default_rng((self.seed, self.epoch, index))
            matrix = random_affine(rgb.shape[1], rgb.shape[0], self.size, rng)
            rgb = jitter_colors(warp(rgb, matrix, self.size), rng)
            labels = cv2.warpAffine(
                labels,
                matrix,
                (self.size,) * 2,
                flags=cv2.INTER_NEAREST,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=IGNORE,
            )
        else:
            rgb = cv2.resize(rgb, (self.size,) * 2, interpolation=cv2.INTER_AREA)
            labels = cv2.resize(labels, (self.size,) * 2, interpolation=cv2.INTER_NEAREST)
        image = torch.from_numpy(normalize_pixels(rgb)).permute(2, 0, 1)
        return image, torch.from_numpy(labels.astype(np.int64))


def median_frequency_weights(data: SegmentationFolder) -> Tensor:
    """A weight a class: median of the classes' shares over its own share (Eigen and Fergus 2015), to balance rare
    classes."""
    counts = np.zeros(data.classes)
    for pair in data.pairs:
        labels = read_labels(pair.labels, data.classes)
        counts += np.bincount(labels[labels != IGNORE], minlength=data.classes)[: data.classes]
    share = counts / max(1.0, counts.sum())
    present = share > 0
    weights = np.where(present, np.median(share[present]) / np.maximum(share, 1e-9), 0.0)
    return torch.from_numpy(weights.astype(np.float32))
