"""An image with a hole at all the sizes that it is filled at, from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from backend.imaging.arrays import BoolArray, FloatArray

from .config import InpaintingConfig

DARK = 0.02  # added to means, of 0..1, before their ratio is taken
REMEDY = "widen the sampling area, or make the hole smaller"


@dataclass
class Level:
    """One resolution. Channels: three colors, then two of texture."""

    image: Tensor  # H x W x 5; what is missing is black
    missing: Tensor  # H x W
    usable: Tensor  # H x W: a whole patch around the pixel may be taken
    guide: Tensor | None  # H x W x 3, smoothed
    means: Tensor  # H W x 3, see `patch_means`

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]


def pyramid(
    image: FloatArray,
    hole: BoolArray,
    source: BoolArray,
    guide: FloatArray | None,
    config: InpaintingConfig,
    device: torch.device | str,
) -> list[Level]:
    """The image at all resolutions that are filled.

    Args:
        image: H x W x 3, nominally 0..1.
        hole: H x W, true where pixels are missing.
        source: H x W, true where patches may be taken from.
        guide: H x W x 3, 0..1, what the hole should roughly look like.
        config: says how coarse the coarsest level is.
        device: where the levels' tensors lie.

    Returns:
        The levels from coarse to fine, at least one.

    Raises:
        ValueError: there is no whole patch outside of the hole.
    """
    levels: list[Level] = []
    pixels: FloatArray = np.dstack([image, _texture(image, hole)])
    missing, allowed = hole, source
    while True:
        usable = _inner(~missing & allowed, config.patch // 2)
        if not usable.any() or not missing.any():
            if levels:
                break
            raise ValueError(f"There is no whole patch outside the hole to fill it with: {REMEDY}.")
        blank = pixels * ~missing[..., None]
        visible = torch.from_numpy(blank).to(device)
        levels.append(
            Level(
                visible,
                torch.from_numpy(missing).to(device),
                torch.from_numpy(usable).to(device),
                None if guide is None else _smooth(guide).to(device),
                patch_means(visible, config.patch),
            )
        )
        radius = cv2.distanceTransform(np.pad(missing, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
        small = radius <= config.coarsest and np.count_nonzero(missing) <= config.most
        small = small and np.count_nonzero(usable) <= config.everywhere
        if small or min(missing.shape) < 4 * config.patch:
            break
        known = _halved((~missing).astype(np.float32))
        pixels = np.divide(_halved(blank), np.maximum(known, 1e-3)[..., None], dtype=np.float32)
        missing = known < 0.5
        allowed = _halved(allowed.astype(np.float32)) > 0.99
        guide = None if guide is None else _halved(guide, "edge")
    return levels[::-1]


def _smooth(guide: FloatArray) -> Tensor:
    """Means of 5 x 5 pixels: compared as it is, what has texture would be far from a guide that has none."""
    return torch.from_numpy(cv2.blur(guide, (5, 5), borderType=cv2.BORDER_REPLICATE))


def _halved(values: FloatArray, beyond: Literal["constant", "edge"] = "constant") -> FloatArray:
    """Means of 2 x 2 pixels; an odd side is made even by zeros (or its edge) first."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2)) + ((0, 0),) * (values.ndim - 2), mode=beyond)
    rows = even[::2] + even[1::2]
    mean: FloatArray = (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)
    return mean


def _texture(image: FloatArray, hole: BoolArray) -> FloatArray:
    """Mean absolute derivatives along x and y over the neighborhood, H x W x 2 (Newson et al. 2014, equation 6)."""
    gray = np.ascontiguousarray(image.mean(2))
    known = (cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0).astype(np.float32)
    window = (33, 33)
    mass = cv2.boxFilter(known, -1, window) + 1e-6
    slopes = [np.abs(cv2.Sobel(gray, cv2.CV_32F, dx, dy, ksize=3)) / 4 * known for dx, dy in ((1, 0), (0, 1))]
    return np.dstack([cv2.boxFilter(slope, -1, window) / mass for slope in slopes]).astype(np.float32)


def patch_means(image: Tensor, patch: int) -> Tensor:
    """Mean colors of the patches around all pixels, H W x 3, a little above 0."""
    found = cv2.blur(image[..., :3].cpu().numpy(), (patch, patch), borderType=cv2.BORDER_REPLICATE)
    return torch.from_numpy(found).to(image.device).flatten(0, 1).clamp(min=0) + DARK


def _inner(mask: BoolArray, radius: int) -> BoolArray:
    """Eroded; the image's border counts as outside, so that every patch lies whole inside the image."""
    square = np.ones((2 * radius + 1,) * 2, np.uint8)
    eroded: BoolArray = cv2.erode(mask.view(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    return eroded
