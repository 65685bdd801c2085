"""How the gradients of one image become those of another that shows the same scene in other colors.

Around a paste, source and target often show the same thing: a retouched or recolored copy, or the next frame of a
series. There the source's colors `s` and the target's `t` are related by t = A s + o with a matrix A and an offset o
that drifts slowly. A is fitted to what both look like after their local means were taken away, in which the offset has
no part. With A s as the source, Poisson cloning (Pérez et al. 2003, equation 7, with the guidance field A grad s)
undoes changes of contrast, saturation and hue as well. Where the surroundings show different scenes nothing relates
them, and A is the identity: the fit's share of explained variance says which of the two it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced

SIDE = 400  # longest side in pixels of the copies that are compared
LOCAL = 0.03  # of the paste's size: width of the local means
NEAR = 0.5  # of the paste's size: within it the surroundings count
NOISE = 0.004  # of 0..1: contrast below it says nothing
CLIPPED, CLIPPED_WEIGHT = 0.004, 0.02  # nearly black or white, and how little that counts
RELATED = (0.15, 0.4)  # explained variance from which on the scenes may be the same, and are
GAINS = (0.2, 5.0)  # range of the matrix's singular values
ROUNDS = 3  # of reweighting: what differs in the two images does not count


@dataclass(frozen=True)
class GradientTransfer:
    """matrix: C x C, from the source's gradients to the target's; agreement: 0 the images show different scenes around
    the paste, 1 the same one."""

    matrix: FloatArray
    agreement: float


def estimate_transfer(source: AnyArray, target: AnyArray, mask: BoolArray, known: BoolArray) -> GradientTransfer:
    """Compare source and target around the mask.

    Args:
        source: `H x W x C`, integers or floats of 0..1.
        target: `H x W x C` of the source's type.
        mask: `H x W`, what is pasted.
        known: `H x W`, where the source is valid.

    Returns:
        The identity, with an agreement of 0, where there is nothing to compare.
    """
    channels = source.shape[2]
    nothing = GradientTransfer(np.eye(channels, dtype=np.float32), 0.0)
    scale = min(1.0, SIDE / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))

    def small(image: AnyArray) -> FloatArray:
        return np.clip(to_unit(reduced(np.ascontiguousarray(image), size)), 0, 1).reshape(size[1], size[0], -1)

    around = small((known & ~mask).view(np.uint8) * np.uint8(255))[..., 0] > 0.99
    extent = float(np.sqrt(mask.sum())) * scale
    beside = small(mask.view(np.uint8) * np.uint8(255))[..., 0] <= 0
    distance = cv2.distanceTransform(beside.view(np.uint8), cv2.DIST_L2, 3)
    before, after = small(source), small(target)
    clipped = ((before < CLIPPED) | (before > 1 - CLIPPED)).any(2)
    weight = around * np.exp(-distance / (NEAR * extent)) * np.where(clipped, CLIPPED_WEIGHT, 1)
    weight = weight.astype(np.float32)
    if weight.sum() < 16:
        return nothing
    x, y = (_centered(image, weight, max(1.5, LOCAL * extent))[weight > 0] for image in (before, after))
    w = weight[weight > 0].astype(np.float64)
    identity, ridge = np.eye(channels), NOISE**2 * w.sum() * np.eye(channels)
    matrix = identity
    robust = w
    for _ in range(ROUNDS + 1):
        weighted = x * robust[:, None]
        matrix = np.linalg.solve(weighted.T @ x + ridge, weighted.T @ y + ridge).T
        error = np.square(y - x @ matrix.T).sum(1)
        robust = w / (1 + error / (4 * np.average(error, weights=w) + NOISE**2))
    total = np.average(np.square(y).sum(1), weights=w)
    if total < channels * NOISE**2:
        return nothing
    explained = 1 - np.average(error, weights=w) / total
    agreement = float(np.clip((explained - RELATED[0]) / (RELATED[1] - RELATED[0]), 0, 1))
    matrix = _bounded(identity + agreement * (matrix - identity))
    if np.abs(matrix - identity).max() < 2e-3:  # the same image: not even rounding is to differ
        matrix = identity
    return GradientTransfer(matrix.astype(np.float32), agreement)


def _centered(image: FloatArray, weight: FloatArray, width: float) -> npt.NDArray[np.float64]:
    """An image less its local means, which pixels without weight have no part in."""
    total = cv2.GaussianBlur(weight, (0, 0), width)[..., None]
    mean = cv2.GaussianBlur(image * weight[..., None], (0, 0), width).reshape(image.shape) / np.maximum(total, 1e-6)
    return np.asarray(image - mean, np.float64)


def _bounded(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    left, gains, right = np.linalg.svd(matrix)
    bounded: npt.NDArray[np.float64] = (left * np.clip(gains, *GAINS)) @ right
    return bounded
