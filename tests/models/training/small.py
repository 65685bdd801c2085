"""What the miniature trainings share: a data folder of images of noise, and a loss network of two layers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.training.core.cache import write_table
from models.training.core.perceptual import FeatureNetwork
from models.training.style.losses import LossNetwork


def small_loss_network() -> LossNetwork:
    """Two layers with fixed weights, tapped after each."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 6, 3, 2), nn.ReLU())
    return LossNetwork(FeatureNetwork(layers, (1, 3)), (1, 3), 3)


def data_folder(root: Path, paintings: dict[str, npt.NDArray[np.uint8]], photographs: int) -> Path:
    """styles/ with the paintings by file name, photos/train and photos/dev with blotchy photographs, and their cache
    in root/cache; returns `root`."""
    rng = np.random.default_rng(0)
    for folder in ("styles", "photos/dev", "photos/train"):
        (root / folder).mkdir(parents=True)
    for name, picture in paintings.items():
        cv2.imwrite(str(root / "styles" / name), picture)
    for i in range(photographs):
        for folder in ("photos/dev", "photos/train"):
            picture = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (90, 70))
            cv2.imwrite(str(root / folder / f"p_{i}.png"), picture)
    rows = "".join(f"p_{i}.png,,scene\n" for i in range(photographs))
    (root / "photos/train/sources.csv").write_text("file,mask,kind\n" + rows)
    write_table(root / "photos/train", root / "cache", "photos")
    return root
