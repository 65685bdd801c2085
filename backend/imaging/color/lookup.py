"""ICC profiles of lookup tables (ICC.1, 8.3.2 and 8.4.2), through littleCMS: colors to sRGB and back as floats.

As in `profiles`, nothing is clipped that need not be: colors beyond sRGB's gamut are negative or above 1, and what lies
above 1, where the tables end, is added to what they say of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit

WHITE = [0.3127, 0.3290, 1.0]
PRIMARIES = [0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0]
"""Of sRGB: x, y and Y of white, and of red, green and blue."""

INTENT, FLAGS = 1, 0x2100  # relative colorimetric with black point compensation, as editors convert; nothing rounded
ROW = 1 << 18  # pixels converted at a time
TOLERANCE = 0.002  # half a level of eight bits: an inverse that is nearer is good enough
NODES = 17  # a side of the colors from which the inverse of a profile without one is looked for
STEPS = 8  # of Newton's method at most
STEP = 0.01  # of the differences that stand for derivatives


@dataclass(frozen=True)
class LookupTransform:
    """From the samples of an RGB profile with tables to sRGB-encoded ones, and back.

    Attributes:
        profile: with a table to the connection space.
        two_ways: it has one from there, too.
    """

    profile: bytes
    two_ways: bool

    def to_srgb(self, pixels: npt.NDArray[Any]) -> FloatArray:
        """H x W x 3 of any type, integers by their type's maximum; float32, sRGB-encoded."""
        unit = to_unit(pixels)
        inside = unit if pixels.dtype.kind == "u" else np.minimum(unit, np.float32(1))
        found = _by_rows(self._shown, inside)
        return found if inside is unit else np.asarray(found + (unit - inside), np.float32)

    def from_srgb(self, unit: FloatArray) -> FloatArray:
        """The inverse of `to_srgb`, as floats; the nearest of the profile's colors for those that it does not have."""
        return _by_rows(self._inverse, unit)

    def _shown(self, inside: FloatArray) -> FloatArray:
        return linear_to_srgb(_converted(inside, self.profile, linear_srgb()))

    def _inverse(self, unit: FloatArray) -> FloatArray:
        """N x 3: Newton's method from what the profile's own table says, whose nodes are coarse, or from the nearest of
        some colors."""
        inside = np.minimum(unit, np.float32(1))
        if self.two_ways:
            found = np.clip(_converted(srgb_to_linear(inside), linear_srgb(), self.profile), 0, 1)
        else:
            colors, tree = _nodes(self)
            found = colors[tree.query(inside, workers=-1)[1]]
        missing = inside - self._shown(found)
        worth = np.flatnonzero(np.abs(missing).max(1) > TOLERANCE)
        for _ in range(STEPS):
            if not len(worth):
                break
            near = self._nearer(found[worth], missing[worth])
            left = inside[worth] - self._shown(near)
            better = np.abs(left).max(1) < 0.9 * np.abs(missing[worth]).max(1)
            worth = worth[better]
            found[worth], missing[worth] = near[better], left[better]
            worth = worth[np.abs(left[better]).max(1) > TOLERANCE]
        beyond = (unit > 1).any(1)
        found[beyond] += np.where(unit[beyond] > 1, unit[beyond] - self._shown(found[beyond]), 0)
        return found

    def _nearer(self, found: FloatArray, missing: FloatArray) -> FloatArray:
        """A step of Newton's method from `found`, which shows `missing` too little; N x 3 each."""
        columns, shown = [], self._shown(found)
        for channel in range(3):
            inwards = np.where(found[:, channel] > 0.5, np.float32(-STEP), np.float32(STEP))
            moved = found.copy()
            moved[:, channel] += inwards
            columns.append((self._shown(moved) - shown) / inwards[:, None])
        slopes = np.stack(columns, axis=2).astype(np.float64) + 1e-6 * np.eye(3)
        return np.clip(found + np.linalg.solve(slopes, missing[..., None])[..., 0], 0, 1).astype(np.float32)


@lru_cache(maxsize=4)
def _nodes(way: LookupTransform) -> tuple[FloatArray, Any]:
    """Colors of the profile at even steps, N x 3, and a tree of what they look like."""
    from scipy.spatial import cKDTree

    steps = np.linspace(0, 1, NODES, dtype=np.float32)
    colors = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return colors, cKDTree(way.to_srgb(colors[None])[0])


@cache
def linear_srgb() -> bytes:
    """A profile of sRGB's primaries in linear light, where littleCMS clips nothing."""
    import imagecodecs

    return bytes(imagecodecs.cms_profile("rgb", whitepoint=WHITE, primaries=PRIMARIES, gamma=1.0))


def _converted(colors: FloatArray, source: bytes, target: bytes) -> FloatArray:
    """N x 3 floats from one profile's space into another's. Raises ValueError for a damaged profile."""
    import imagecodecs

    try:
        found = imagecodecs.cms_transform(
            np.ascontiguousarray(colors, np.float32)[None], source, target,
            colorspace="rgb", outcolorspace="rgb", intent=INTENT, flags=FLAGS,
        )  # fmt: skip
    except imagecodecs.CmsError as error:
        raise ValueError(str(error)) from None
    return np.asarray(found, np.float32).reshape(-1, 3)


def _by_rows(convert: Callable[[FloatArray], FloatArray], colors: FloatArray) -> FloatArray:
    flat = colors.reshape(-1, 3)
    result: FloatArray = np.empty(flat.shape, np.float32)
    for start in range(0, len(flat), ROW):
        result[start : start + ROW] = convert(flat[start : start + ROW])
    return result.reshape(colors.shape)
