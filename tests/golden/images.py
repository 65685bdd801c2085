"""Images made by formulas, the same on every machine, which the reference outputs are of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.imaging.arrays import FloatArray


def scene(height: int, width: int) -> FloatArray:
    """H x W x 3, RGB 0..1: a sky that grows lighter, striped ground, and a ball with a light on it."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.float32(height)
    horizon = 0.6
    sky = np.dstack([0.35 + 0.3 * y, 0.5 + 0.3 * y, 0.75 + 0.2 * y])
    stripes = 0.5 + 0.5 * np.sin(40 * x + 25 * (y - horizon) * x)
    ground = np.dstack([0.35 + 0.2 * stripes, 0.3 + 0.15 * stripes, 0.15 + 0.05 * stripes])
    image = np.where((y > horizon)[..., None], ground, sky)
    inside = ball(height, width)
    center_y, center_x, radius = 0.5, width / height / 2, 0.3
    light = np.clip(1.1 - np.hypot(y - center_y + radius / 2, x - center_x + radius / 2) / (1.6 * radius), 0.1, 1)
    red = np.dstack([0.85 * light, 0.2 * light, 0.15 * light])
    return np.asarray(np.where(inside[..., None], red, image), np.float32)


def ball(height: int, width: int) -> npt.NDArray[np.bool_]:
    """H x W: where the ball of `scene` is."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.float32(height)
    return np.asarray(np.hypot(y - 0.5, x - width / height / 2) < 0.3)


def waves(height: int, width: int) -> FloatArray:
    """H x W x 3, RGB 0..1: crossing waves in strong colors, as a painting's strokes."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.float32(height)
    first, second = np.sin(30 * (x + 0.3 * np.sin(7 * y))), np.sin(45 * (y + 0.2 * np.sin(9 * x)))
    return np.asarray(np.dstack([0.5 + 0.4 * first, 0.45 + 0.3 * second, 0.5 - 0.35 * first * second]), np.float32)


def tensor(image: FloatArray) -> Tensor:
    """H x W x C to 1 x C x H x W."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
