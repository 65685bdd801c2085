"""Foreground colors of an image with alpha, so that a cut-out carries no halo of its old background.

Multi-level foreground estimation (Germer, Uelwer, Conrad, Harmeling 2020): foreground F and background B minimize
``(alpha F + (1 - alpha) B - I)^2 + sum over neighbors (delta + omega |d alpha|) (|dF|^2 + |dB|^2)``, from an image of
a few pixels up to full size. Levels up to about a thousand pixels are iterated in full; the native level is one step,
and only where alpha is fractional. Colors are float32, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.imaging import Cancelled
from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.matting.guided_filter import resize, resize_part

WORK_SIZE = 1024  # longest side, in pixels, of the largest level that is iterated
SMALL = 32  # levels up to this side get many iterations, larger ones few
ITERATIONS = {"small": 10, "large": 2}
DELTA, OMEGA = 1e-5, 1.0  # smoothness everywhere, and across alpha's edges
ANCHOR = 1e-2  # pull of the native step to the colors of the level below
_PAIRS: tuple[tuple[Any, Any], ...] = ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1]))  # pixels and neighbors
BLOCK = 128  # side of the blocks in which the native image is walked


def estimate_foreground(
    image: NDArray[np.generic],
    alpha: FloatArray,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NDArray[np.generic]:
    """The subject's own colors, to be composited with alpha over any other background.

    Args:
        image: H x W x 3, uint8, uint16, or float that may be brighter than white.
        alpha: H x W, 0..1.
        progress: called with the finished fraction.
        cancelled: polled between rows of blocks.

    Returns:
        H x W x 3 in the image's type. Pixels whose alpha is 0 or 1 come back as they are.

    Raises:
        ValueError: the shapes do not fit.
        Cancelled: `cancelled()` returned True.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[:2] != alpha.shape:
        raise ValueError(f"foreground needs an image H x W x 3 and an alpha H x W, got {image.shape}, {alpha.shape}")
    height, width = alpha.shape
    shrink = min(1.0, WORK_SIZE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = to_unit(cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else image)
    limits = min(0.0, float(small.min())), max(1.0, float(to_unit(image).max()) if image.dtype.kind == "f" else 1.0)
    both = estimate_both(small, resize(alpha, size) if shrink < 1 else alpha, cancelled, limits)
    result = image.copy()
    tops = range(0, height, BLOCK)
    for top in tops:
        if cancelled is not None and cancelled():
            raise Cancelled
        for left in range(0, width, BLOCK):
            block = slice(top, min(top + BLOCK, height)), slice(left, min(left + BLOCK, width))
            mixed = (alpha[block] > 0) & (alpha[block] < 1)
            if mixed.any():
                front, back = (resize_part(level, (width, height), *block) for level in both)
                color = _native_step(to_unit(image[block]), alpha[block], front, back, limits)
                result[block][mixed] = _as_type(color[mixed], image.dtype)
        if progress is not None:
            progress(min(1.0, (top + BLOCK) / height))
    return result


def estimate_both(
    image: FloatArray,
    alpha: FloatArray,
    cancelled: Callable[[], bool] | None = None,
    limits: tuple[float, float] = (0, 1),
) -> tuple[FloatArray, FloatArray]:
    """Foreground and background by the multi-level method at every level.

    Args:
        image: H x W x 3.
        alpha: H x W, 0..1.
        cancelled: polled at each level.
        limits: smallest and largest value that colors have.

    Returns:
        Foreground and background, each H x W x 3.

    Raises:
        Cancelled: `cancelled()` returned True.
    """
    height, width = alpha.shape
    longest = max(height, width)
    levels = int(np.ceil(np.log2(longest))) if longest > 1 else 0
    front = back = np.zeros((1, 1, 3), np.float32)
    for level in range(levels + 1):
        if cancelled is not None and cancelled():
            raise Cancelled
        scale = 2.0 ** (level - levels)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        colors, mix = resize(image, size), resize(alpha, size)
        # Nearest, as in the paper: linear enlarging would carry each side's colors over the other's edge.
        front, back = (cv2.resize(x, size, interpolation=cv2.INTER_NEAREST) for x in (front, back))
        count = ITERATIONS["small" if max(size) <= SMALL else "large"]
        front, back = _iterate(colors, mix, front, back, count, limits)
    return front, back


def _iterate(
    image: FloatArray,
    alpha: FloatArray,
    front: FloatArray,
    back: FloatArray,
    count: int,
    limits: tuple[float, float],
) -> tuple[FloatArray, FloatArray]:
    """Jacobi steps of the paper's per-pixel 2 x 2 systems (its equation 8), all pixels at once.

    image, front, back: H x W x 3; inside, planes: 3 x H x W is several times faster.
    """
    weights = [np.float32(DELTA) + np.float32(OMEGA) * np.abs(np.diff(alpha, axis=axis)) for axis in (0, 1)]
    total = np.zeros_like(alpha)
    for (here, there), weight in zip(_PAIRS, weights, strict=True):
        total[here] += weight
        total[there] += weight
    mixed = alpha * (1 - alpha)
    determinant = (alpha * alpha + total) * ((1 - alpha) ** 2 + total) - mixed * mixed
    determinant = np.maximum(determinant, np.float32(1e-12))
    front_front, across, back_back = (x / determinant for x in (alpha * alpha + total, mixed, (1 - alpha) ** 2 + total))
    planes = [np.ascontiguousarray(np.moveaxis(x, 2, 0)) for x in (image, front, back)]
    for color, f, b in zip(*planes, strict=True):
        for _ in range(count):
            right_front, right_back = alpha * color, (1 - alpha) * color
            for (here, there), weight in zip(_PAIRS, weights, strict=True):
                for right, x in ((right_front, f), (right_back, b)):
                    right[here] += weight * x[there]
                    right[there] += weight * x[here]
            np.clip(back_back * right_front - across * right_back, *limits, out=f)
            np.clip(front_front * right_back - across * right_front, *limits, out=b)
    return np.dstack(list(planes[1])), np.dstack(list(planes[2]))


def _native_step(
    image: FloatArray, alpha: FloatArray, front: FloatArray, back: FloatArray, limits: tuple[float, float]
) -> FloatArray:
    """The foreground that explains the pixel nearest to the colors below: one step with those as neighbors."""
    a = alpha[..., None]
    unexplained = image - a * front - (1 - a) * back
    color: FloatArray = np.clip(front + a / (a * a + (1 - a) ** 2 + np.float32(ANCHOR)) * unexplained, *limits)
    return color


def _as_type(color: FloatArray, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    if np.issubdtype(dtype, np.integer):
        color = np.rint(color * np.float32(np.iinfo(dtype.name).max))
    out: NDArray[np.generic] = color.astype(dtype)
    return out
