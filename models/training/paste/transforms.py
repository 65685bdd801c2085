"""The transformation T = T_shading o T_geometric and the masks of Portenier et al. 2019, section 3.1.

Images are H x W x 3 float32 RGB 0..1, masks H x W bool. Every draw comes from the generator that is passed in.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.core.arrays import BoolArray, FloatArray
from models.training.core.images import bounding_box

MIXING_CELLS = 10
SIGMA_FACES = 15.0
SIGMA = 10.0  # pixels at 512 x 512, for images of anything but faces


def saturation(image: FloatArray, factor: float) -> FloatArray:
    """T_s: the S of HSV times the factor."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 1] = np.minimum(hsv[..., 1] * factor, 1)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def hue(image: FloatArray, bias: float) -> FloatArray:
    """T_h: the H of HSV plus the bias, in turns of the color circle."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * bias) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def contrast(image: FloatArray, factors: NDArray[np.float64]) -> FloatArray:
    """T_c, equation 2: each channel scaled about its mean by a factor of its own."""
    mean = image.mean((0, 1), dtype=np.float64)
    return np.asarray((image - mean) * factors + mean, np.float32)


def brightness(image: FloatArray, bias: float) -> FloatArray:
    """T_b: one bias for all channels."""
    return image + np.float32(bias)


def color_transform(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """T_color = T_s o T_h o T_c o T_b, equation 1; clipped to 0..1 before T_h, because hue is defined only there."""
    image = contrast(brightness(image, rng.uniform(-0.5, 0.5)), rng.uniform(0.5, 1.5, 3))
    return saturation(hue(np.clip(image, 0, 1), rng.uniform(-0.5, 0.5)), rng.uniform(0.5, 1.5))


def mixing_mask(height: int, width: int, rng: np.random.Generator) -> FloatArray:
    """M_mix, H x W: 10 x 10 salt and pepper, bilinearly scaled up."""
    cells = rng.integers(0, 2, (MIXING_CELLS, MIXING_CELLS)).astype(np.float32)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR))


def shading(image: FloatArray, rng: np.random.Generator, local: bool = True) -> FloatArray:
    """T_shading, equation 3: two color transforms mixed from place to place. Not `local`: one, the same everywhere."""
    first = color_transform(image, rng)
    if not local:
        return np.clip(first, 0, 1)
    mix = mixing_mask(image.shape[0], image.shape[1], rng)[..., None]
    return np.clip(first * mix + color_transform(image, rng) * (1 - mix), 0, 1)


def homography(height: int, width: int, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3 x 3 matrix that moves the image's corners (clockwise from the top left) by these offsets, 4 x 2 (x, y) in
    pixels; the linear system of the correspondences solved by least squares."""
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], float)
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, corners + offsets, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    solution = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return np.append(solution, 1.0).reshape(3, 3)


def geometric(image: FloatArray, sigma: float, rng: np.random.Generator) -> FloatArray:
    """T_geometric: a homography from corner offsets U(-sigma, sigma) pixels; mirrored past the border."""
    height, width = image.shape[:2]
    matrix = homography(height, width, rng.uniform(-sigma, sigma, (4, 2)))
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height), flags=flags, borderMode=border))


def transform(image: FloatArray, sigma: float, rng: np.random.Generator, local: bool = True) -> FloatArray:
    """T(I), the source that a network learns to turn back into I."""
    return shading(geometric(image, sigma, rng), rng, local)


def rectangle_mask(size: int, rng: np.random.Generator, shares: tuple[float, float] = (0.15, 0.6)) -> BoolArray:
    """A rectangle of random place, turn, and sides between these shares of the image's side; size x size."""
    sides = rng.uniform(*shares, 2) * size
    center = rng.uniform(0.15, 0.85, 2) * size
    corners = cv2.boxPoints((tuple(center), tuple(sides), float(rng.uniform(0, 180))))
    filled = cv2.fillPoly(np.zeros((size, size), np.uint8), [np.round(corners).astype(np.int32)], 1)
    return np.asarray(filled, bool)


def roughen(mask: BoolArray, rng: np.random.Generator, most: float = 0.03) -> BoolArray:
    """An object's mask as a hand draws it: grown by up to this share of the image's side, so that some of the old
    background comes along."""
    radius = round(rng.uniform(0, most) * mask.shape[0])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), bool)


def placed(mask: BoolArray, size: int, rng: np.random.Generator) -> BoolArray:
    """An object's mask turned, scaled to 0.25 to 0.7 of the side and put somewhere in a size x size image."""
    x0, y0, x1, y1 = bounding_box(mask)
    box = mask[y0:y1, x0:x1]
    scale = rng.uniform(0.25, 0.7) * size / max(box.shape)
    matrix = cv2.getRotationMatrix2D((box.shape[1] / 2, box.shape[0] / 2), rng.uniform(-30, 30), scale)
    matrix[:, 2] += rng.uniform(0.25, 0.75, 2) * size - np.array(box.shape[::-1]) / 2
    return np.asarray(cv2.warpAffine(box.astype(np.float32), matrix, (size, size)) > 0.5)
