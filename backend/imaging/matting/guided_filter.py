"""Guided filter with a color guide (He, Sun, Tang 2010), weighted.

Arrays are float32 and guides lie in 0..1. In each window the target is modeled as a linear function of the guide's
color, ``target = a . guide + b`` (equation 4); an edge appears in the output only where the guide has one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray

THREADS = 2  # that fit the models, each a strip of rows at a time
STRIP = 256  # rows of one at most: what is in hand then stays in the processor's cache


class LinearModel(NamedTuple):
    """``target = a . guide + b`` around each pixel."""

    a: FloatArray  # H x W x 3
    b: FloatArray  # H x W
    quality: FloatArray  # H x W, 0..1: share of the target's variance that the guide's colors explain (R squared)


def box_sum(x: FloatArray, radius: int) -> FloatArray:
    """Sum over the (2 radius + 1)^2 window around every pixel, the window cut at the border. x: H x W."""
    size = 2 * radius + 1
    out: FloatArray = cv2.boxFilter(x, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return out


def guided_coefficients(
    guide: FloatArray,
    target: FloatArray,
    radius: int,
    eps: float,
    weight: FloatArray | None = None,
    by_fit: bool = False,
) -> LinearModel:
    """The linear model of every pixel, such that ``a . guide + b`` is the filtered target (equation 5).

    Args:
        guide: H x W x 3.
        target: H x W.
        radius: of the windows of 2 radius + 1 pixels.
        eps: ridge penalty on ``a``, in squared guide units.
        weight: H x W, >= 0, the trust in each sample of the fit; equal when None.
        by_fit: average the windows that cover a pixel by how much of the target they explain against what they leave
            over, rather than equally: windows that hold one side only, or straddle an unrelated edge, then do not leak.

    Returns:
        The model, whose parts are means over the windows that cover a pixel (equation 8).

    Raises:
        ValueError: the shapes do not fit.
    """
    if guide.ndim != 3 or guide.shape[2] != 3 or guide.shape[:2] != target.shape:
        raise ValueError(f"guided filter: need a guide H x W x 3 and a target H x W, got {guide.shape}, {target.shape}")
    height, width = target.shape
    model = LinearModel(*(np.empty((height, width, *more), np.float32) for more in ((3,), (), ())))
    rows = min(STRIP, -(-height // THREADS))

    def strip(top: int) -> None:
        bottom = min(height, top + rows)
        seen = slice(max(0, top - 2 * radius), bottom + 2 * radius)  # a window of windows around each pixel
        found = _coefficients(guide[seen], target[seen], radius, eps, None if weight is None else weight[seen], by_fit)
        for whole, part in zip(model, found, strict=True):
            whole[top:bottom] = part[top - seen.start : bottom - seen.start]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(strip, range(0, height, rows)))
    return model


def _coefficients(
    guide: FloatArray, target: FloatArray, radius: int, eps: float, weight: FloatArray | None, by_fit: bool
) -> LinearModel:
    model, explained, residual = _fit(guide, target, weight, radius, eps)
    trust = (explained + np.float32(1e-3)) / (residual + np.float32(1e-2)) if by_fit else np.ones_like(target)
    norm = box_sum(trust, radius)
    planes = (*model, explained / (explained + residual + np.float32(1e-4)))
    means = [box_sum(plane * trust if by_fit else plane, radius) / norm for plane in planes]
    return LinearModel(np.dstack(means[:3]), means[3], means[4])


def apply_coefficients(guide: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """``a . guide + b`` of every pixel. guide, a: H x W x 3; b: H x W."""
    out: FloatArray = np.einsum("ijk,ijk->ij", guide, a) + b
    return out


def resize(x: FloatArray, size: tuple[int, int]) -> FloatArray:
    """x (H x W or H x W x C) at size (width, height): the mean over areas when it shrinks, bilinear when it grows."""
    shrinks = size[0] < x.shape[1] or size[1] < x.shape[0]
    out: FloatArray = cv2.resize(x, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return out


def resize_part(x: FloatArray, size: tuple[int, int], rows: slice, columns: slice) -> FloatArray:
    """A part of an image as it is when the image is enlarged, without enlarging the rest.

    Args:
        x: h x w or h x w x C.
        size: width and height of the whole, enlarged.
        rows: of the whole that are wanted.
        columns: of the whole that are wanted.

    Returns:
        The part, bilinear, as many rows and columns as the slices have.
    """
    scale = x.shape[1] / size[0], x.shape[0] / size[1]
    # Pixel centers onto pixel centers, as in cv2.resize.
    shift = [(part.start + 0.5) * k - 0.5 for part, k in zip((columns, rows), scale, strict=True)]
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    part_size = (columns.stop - columns.start, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out: FloatArray = cv2.warpAffine(x, matrix, part_size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return out


def _fit(
    guide: FloatArray, target: FloatArray, weight: FloatArray | None, radius: int, eps: float
) -> tuple[tuple[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray, FloatArray]:
    """Ridge regression of the target on the guide's color in every window.

    Returns (a_r, a_g, a_b, b), the variance of the target that they explain, and the variance that is left.
    """
    r, g, b = (np.ascontiguousarray(guide[..., k]) for k in range(3))
    norm = box_sum(np.ones_like(target) if weight is None else weight, radius)
    np.maximum(norm, np.float32(1e-12), out=norm)

    def mean(x: FloatArray, y: FloatArray | None = None) -> FloatArray:
        product = x if y is None else x * y
        total = box_sum(product if weight is None else product * weight, radius)
        total /= norm
        return total

    mean_r, mean_g, mean_b, mean_t = mean(r), mean(g), mean(b), mean(target)
    ridge = np.float32(eps)
    rr = mean(r, r) - mean_r * mean_r + ridge
    gg = mean(g, g) - mean_g * mean_g + ridge
    bb = mean(b, b) - mean_b * mean_b + ridge
    rg = mean(r, g) - mean_r * mean_g
    rb = mean(r, b) - mean_r * mean_b
    gb = mean(g, b) - mean_g * mean_b
    tr = mean(r, target) - mean_r * mean_t
    tg = mean(g, target) - mean_g * mean_t
    tb = mean(b, target) - mean_b * mean_t
    # The inverse of the symmetric 3 x 3 covariance by its adjugate.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    inverse_det = 1.0 / np.maximum(rr * i_rr + rg * i_rg + rb * i_rb, ridge**3)
    a_r = (i_rr * tr + i_rg * tg + i_rb * tb) * inverse_det
    a_g = (i_rg * tr + i_gg * tg + i_gb * tb) * inverse_det
    a_b = (i_rb * tr + i_gb * tg + i_bb * tb) * inverse_det
    offset = mean_t - a_r * mean_r - a_g * mean_g - a_b * mean_b
    explained = a_r * tr + a_g * tg + a_b * tb
    residual = np.maximum(mean(target, target) - mean_t * mean_t - explained, np.float32(0))
    return (a_r, a_g, a_b, offset), np.maximum(explained, np.float32(0)), residual
