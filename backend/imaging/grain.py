"""Grain: how much of it an image has, and a paste given as much."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray

_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
FLATTEST = 0.3  # share of the pixels whose surroundings vary the least: there grain is all that varies
LEAST = 16  # pixels to measure it on


def grain_level(image: FloatArray, mask: BoolArray) -> FloatArray:
    """Standard deviation of the grain of each channel.

    J. Immerkaer, "Fast Noise Variance Estimation", CVIU 1996: a difference of Laplacians, to which smooth shading and
    straight edges are nothing; on the flattest part of the image, so that texture has little part in it.

    Args:
        image: `H x W x C`, 0..1.
        mask: `H x W`, where to look.

    Returns:
        `C` float32; 0 where the mask holds next to nothing.
    """
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if inner.sum() < LEAST:
        return np.zeros(image.shape[2], np.float32)
    image = np.ascontiguousarray(image, np.float32)
    residual = cv2.filter2D(image, -1, _LAPLACIAN).reshape(image.shape)
    activity = cv2.blur(np.abs(residual).sum(2), (7, 7))[inner]
    flat = activity <= np.quantile(activity, FLATTEST)
    level: FloatArray = (np.sqrt(np.pi / 2) / 6 * np.abs(residual[inner][flat]).mean(0)).astype(np.float32)
    return level


def add_grain(image: FloatArray, level: FloatArray, generator: np.random.Generator) -> FloatArray:
    """The image, `H x W x C`, with Gaussian grain of a standard deviation for each channel added."""
    noise = generator.standard_normal(image.shape, np.float32)
    result: FloatArray = image + noise * level
    return result
