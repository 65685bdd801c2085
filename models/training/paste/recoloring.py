"""Changes of color as pastes differ in practice, from one photograph's light, camera and grading to another's.

Images are H x W x 3 float32 RGB, nominally 0..1; the results are not clipped. Every draw comes from the generator that
is passed in. `other` is another photograph, of any size, whose colors are taken.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from models.training.core.arrays import FloatArray
from models.training.paste.transforms import MIXING_CELLS, hue, saturation

Recoloring = Callable[[FloatArray, FloatArray, np.random.Generator], FloatArray]


def to_linear(x: FloatArray) -> FloatArray:
    """Decode sRGB (IEC 61966-2-1)."""
    return np.where(x <= 0.04045, x / 12.92, ((np.maximum(x, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_encoded(x: FloatArray) -> FloatArray:
    """Encode linear light as sRGB; what is negative becomes 0."""
    x = np.maximum(x, 0)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


def exposure(image: FloatArray, other: FloatArray, rng: np.random.Generator, wide: float = 1.0) -> FloatArray:
    """Exposure and white balance in linear light, then saturation and gamma."""
    warm, green = rng.uniform(-0.35, 0.35) * wide, rng.uniform(-0.15, 0.15) * wide
    ev = rng.uniform(-0.9, 0.9) * wide + np.array([warm, green, -warm])
    x = to_encoded((to_linear(image) * 2.0**ev).astype(np.float32))
    gray = x.mean(2, keepdims=True)
    x = gray + (x - gray) * rng.uniform(0.6, 1.4)
    return np.asarray(np.clip(x, 0, 1) ** rng.uniform(0.8, 1.25), np.float32)


def transfer(image: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Means and deviations of the other photograph in L*a*b*, in part (Reinhard et al. 2001)."""
    a, b = (cv2.cvtColor(p.astype(np.float32), cv2.COLOR_RGB2LAB).reshape(-1, 3) for p in (image, other))
    spread, wanted = a.std(0), b.std(0)
    moved = (a - a.mean(0)) / (spread + 1e-3) * np.clip(wanted, 0.5 * spread, 2 * spread) + b.mean(0)
    share = rng.uniform(0.5, 1)
    mixed = (a + share * (moved - a)).reshape(image.shape).astype(np.float32)
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB))


def covariance(image: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Mean and covariance of the other photograph in RGB, in part (Xiao and Ma 2006)."""
    a, b = image.reshape(-1, 3), other.reshape(-1, 3)
    matrix = _power(np.cov(a.T), -0.5) @ _power(np.cov(b.T), 0.5)
    moved = (a - a.mean(0)) @ matrix + b.mean(0)
    return np.asarray((a + rng.uniform(0.5, 1) * (moved - a)).reshape(image.shape), np.float32)


def matching(image: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Every channel's histogram towards the other photograph's."""
    share, levels = rng.uniform(0.4, 1), np.linspace(0, 1, 33)
    result = np.empty_like(image)
    for c in range(3):
        own, wanted = (np.quantile(p[..., c], levels) for p in (image, other))
        found = np.interp(image[..., c], own + np.arange(33) * 1e-6, wanted)
        result[..., c] = image[..., c] + share * (found - image[..., c])
    return result


def curves(image: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Gamma, another for each channel; contrast; raised blacks and lowered whites."""
    x = np.clip(image, 0, 1) ** (2.0 ** (rng.uniform(-0.7, 0.7) + rng.uniform(-0.25, 0.25, 3)))
    x = x + rng.uniform(-0.5, 0.5) * x * (1 - x) * (2 * x - 1)
    return (x * rng.uniform(0.7, 1.1) + rng.uniform(0, 0.15)).astype(np.float32)


def light(image: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light from one side: exposure and tint that change along a ramp across the image."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (np.cos(angle) * columns + np.sin(angle) * rows) * rng.uniform(0.5, 2) + rng.uniform(-0.5, 0.5)
    ev = np.clip(ramp, -1, 1)[..., None] * (rng.uniform(-0.8, 0.8) + rng.uniform(-0.25, 0.25, 3))
    ev = ev + rng.uniform(-0.5, 0.5) + rng.uniform(-0.15, 0.15, 3)
    return to_encoded((to_linear(image) * 2.0**ev).astype(np.float32))


def shading(image: FloatArray, other: FloatArray, rng: np.random.Generator, cells: int = MIXING_CELLS) -> FloatArray:
    """Two changes of hue, saturation, contrast and brightness mixed from place to place, as the T of Portenier et al.
    2019 does, with hues that turn by 25 degrees at most."""
    mix = cv2.resize(
        rng.integers(0, 2, (cells, cells)).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )[..., None]
    first, second = _moderate(image, rng), _moderate(image, rng)
    return np.asarray(first * mix + second * (1 - mix), np.float32)


MAIN: tuple[Recoloring, ...] = (exposure, transfer, covariance, shading)
MORE: tuple[Recoloring, ...] = (matching, light, curves)


def jitter(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The whole photograph as another camera would have it, so that a network cannot know it by heart."""
    if rng.uniform() < 0.5:
        image = saturation(hue(image, rng.normal(0, 10) / 360), rng.uniform(0.65, 1.25))
    gamma = 2.0 ** (rng.normal(0, 0.3) + rng.normal(0, 0.1, 3))
    return (np.clip(image, 0, 1) ** gamma).astype(np.float32)


def recolor(image: FloatArray, other: FloatArray, part: float, rng: np.random.Generator) -> FloatArray:
    """A change drawn at random, clipped to 0..1: sometimes none, sometimes with JPEG's or a sensor's noise added.

    part: the share of its photograph that the image shows, by area; shading changes as often over the photograph.
    """
    draw = rng.uniform()
    if draw < 0.05:
        changed = image
    elif draw < 0.8:
        kind = MAIN[rng.integers(len(MAIN))]
        if kind is shading:
            changed = shading(image, other, rng, max(2, round(MIXING_CELLS * part**0.5)))
        else:
            changed = kind(image, other, rng)
    else:
        changed = MORE[rng.integers(len(MORE))](image, other, rng)
        if rng.uniform() < 0.3:
            changed = exposure(np.clip(changed, 0, 1), other, rng, 0.5)
    changed = np.clip(changed, 0, 1).astype(np.float32)
    if rng.uniform() < 0.12:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 90))]
        data = cv2.imencode(".jpg", (changed * 255).astype(np.uint8), quality)[1]
        changed = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.float32) / np.float32(255)
    if rng.uniform() < 0.1:
        changed = np.asarray(changed + rng.normal(0, rng.uniform(0.005, 0.03), changed.shape), np.float32)
    return np.clip(changed, 0, 1).astype(np.float32)


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    result: np.ndarray = (vectors * np.clip(values, 1e-4, None) ** power) @ vectors.T
    return result


def _moderate(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    x = saturation(hue(np.clip(image, 0, 1), rng.uniform(-25, 25) / 360), rng.uniform(0.5, 1.5))
    mean = x.mean((0, 1))
    return np.asarray((x - mean) * rng.uniform(0.6, 1.4, 3) + mean + rng.uniform(-0.3, 0.3), np.float32)
