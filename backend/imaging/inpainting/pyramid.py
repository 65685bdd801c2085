"""An image with a hole at all the sizes that it is filled at, from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from backend.imaging.arrays import BoolArray, FloatArray

from .config import InpaintingConfig

BAND = 512  # rows, an even number
WINDOW = 33  # pixels, the side of the neighborhood whose texture is taken
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
    pixels = np.empty((*hole.shape, image.shape[2] + 2), np.float32)
    for rows in _bands(len(image)):
        pixels[rows, :, :-2] = image[rows]
        pixels[rows, :, -2:] = _texture(image, hole, rows)
    missing, allowed = hole, source
    while True:
        usable = _inner(~missing & allowed, config.patch // 2)
        if not usable.any() or not missing.any():
            if levels:
                break
            raise ValueError(f"There is no whole patch outside the hole to fill it with: {REMEDY}.")
        blank = np.empty_like(pixels)
        for rows in _bands(len(pixels)):
            np.multiply(pixels[rows], ~missing[rows, :, None], out=blank[rows])
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


def _bands(height: int) -> Iterator[slice]:
    """Rows that are computed at once: a level of a large image can be interrupted between them."""
    for top in range(0, height, BAND):
        yield slice(top, min(top + BAND, height))


def _halved(values: FloatArray, beyond: Literal["constant", "edge"] = "constant") -> FloatArray:
    """Means of 2 x 2 pixels; an odd side is made even by zeros (or its edge) first."""
    height, width = values.shape[:2]
    halved = np.empty(((height + 1) // 2, (width + 1) // 2, *values.shape[2:]), np.float32)
    for rows in _bands(height):
        part = values[rows]
        odd = len(part) % 2, width % 2
        even = np.pad(part, ((0, odd[0]), (0, odd[1])) + ((0, 0),) * (values.ndim - 2), mode=beyond)
        pairs = even[::2] + even[1::2]
        halved[rows.start // 2 : (rows.stop + 1) // 2] = (pairs[:, ::2] + pairs[:, 1::2]) * np.float32(0.25)
    return halved


def _texture(image: FloatArray, hole: BoolArray, rows: slice) -> FloatArray:
    """Mean absolute derivatives along x and y over the neighborhood (Newson et al. 2014, equation 6), in these rows,
    H x W x 2."""
    above = max(0, rows.start - WINDOW)
    seen = slice(above, rows.stop + WINDOW)
    gray = np.ascontiguousarray(image[seen].mean(2))
    known = (cv2.dilate(hole[seen].astype(np.uint8), np.ones((3, 3), np.uint8)) == 0).astype(np.float32)
    window = (WINDOW, WINDOW)
    mass = cv2.boxFilter(known, -1, window) + 1e-6
    slopes = [np.abs(cv2.Sobel(gray, cv2.CV_32F, dx, dy, ksize=3)) / 4 * known for dx, dy in ((1, 0), (0, 1))]
    found = np.dstack([cv2.boxFilter(slope, -1, window) / mass for slope in slopes]).astype(np.float32)
    texture: FloatArray = found[rows.start - above : rows.stop - above]
    return texture


def patch_means(image: Tensor, patch: int) -> Tensor:
    """Mean colors of the patches around all pixels, H W x 3, a little above 0."""
    colors, half = image[..., :3].cpu().numpy(), patch // 2
    found = np.empty(colors.shape, np.float32)
    for rows in _bands(len(colors)):
        above = max(0, rows.start - half)
        part = np.ascontiguousarray(colors[above : rows.stop + half])
        means = cv2.blur(part, (patch, patch), borderType=cv2.BORDER_REPLICATE)
        np.maximum(means[rows.start - above : rows.stop - above], 0, out=found[rows])
    found += np.float32(DARK)
    return torch.from_numpy(found).to(image.device).flatten(0, 1)


def _inner(mask: BoolArray, radius: int) -> BoolArray:
    """Eroded; the image's border counts as outside, so that every patch lies whole inside the image."""
    square = np.ones((2 * radius + 1,) * 2, np.uint8)
    eroded: BoolArray = cv2.erode(mask.view(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    return eroded
