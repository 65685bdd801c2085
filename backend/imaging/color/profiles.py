"""ICC profiles of matrix and curves (ICC.1, 8.3.3 and 8.4.3): colors to sRGB and back, without clipping. Those with
tables are in `lookup`.

Colors beyond sRGB's gamut are negative or above 1 in sRGB-encoded floats, so that nothing is lost on the way. Curves
are continued above 1 and are point-symmetric below 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import FloatArray
from backend.imaging.color.lookup import LookupTransform
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit

SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""Linear sRGB to XYZ adapted to D50, as profiles hold it."""

SAME = 0.003  # colorants and curves that differ by less are the same
BLOCK = 1 << 20  # samples converted at a time


class ProfileError(ValueError):
    """The profile is damaged, or of a kind that is not known."""


@dataclass(frozen=True)
class Parametric:
    """y = (a x + b)^g + e from d on, c x + f below (ICC.1, 10.18); and its inverse."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def decode(self, encoded: FloatArray) -> FloatArray:
        size = np.abs(encoded)
        power = np.power(np.maximum(self.a * size + self.b, 0), self.g, dtype=np.float32) + np.float32(self.e)
        return _signed(np.where(size >= self.d, power, self.c * size + self.f), encoded)

    def encode(self, linear: FloatArray) -> FloatArray:
        size = np.abs(linear)
        power = np.power(np.maximum(size - self.e, 0), 1 / self.g, dtype=np.float32)
        upper = (power - np.float32(self.b)) / np.float32(self.a)
        lower = (size - self.f) / self.c if self.c else np.full_like(size, self.d)
        knee = max(self.a * self.d + self.b, 0.0) ** self.g + self.e
        return _signed(np.where(size >= knee, upper, np.clip(lower, 0, self.d)), linear)


@dataclass(frozen=True, eq=False)
class Sampled:
    """A curve given by its values at even steps, continued above 1 as it ends."""

    values: npt.NDArray[np.float64]

    def decode(self, encoded: FloatArray) -> FloatArray:
        size = np.abs(encoded)
        places = np.linspace(0, 1, len(self.values))
        inside = np.interp(size, places, self.values)
        return _signed(np.where(size > 1, self.values[-1] + self._slope * (size - 1), inside), encoded)

    def encode(self, linear: FloatArray) -> FloatArray:
        size, last = np.abs(linear), float(self.values[-1])
        inside = np.interp(size, np.maximum.accumulate(self.values), np.linspace(0, 1, len(self.values)))
        return _signed(np.where(size > last, 1 + (size - last) / self._slope, inside), linear)

    @property
    def _slope(self) -> float:
        return max(float(self.values[-1] - self.values[-2]) * (len(self.values) - 1), 0.1)


@dataclass(frozen=True, eq=False)
class Transform:
    """From a profile's samples to sRGB-encoded ones, and back."""

    curves: tuple[Parametric | Sampled, ...]  # one, or one for each of red, green and blue
    matrix: npt.NDArray[np.float64] | None = None  # of linear light, to linear sRGB; None where there is nothing to do

    def to_srgb(self, pixels: npt.NDArray[Any]) -> FloatArray:
        """H x W x 1 or 3 of any type, integers by their type's maximum; float32, sRGB-encoded, not clipped."""
        whole = pixels.dtype.kind == "u"
        steps = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=pixels.dtype) if whole else np.zeros(0, np.float32)
        tables = [curve.decode(to_unit(steps)) for curve in self.curves] if whole else []
        if self.matrix is None and whole:
            tables = [linear_to_srgb(table) for table in tables]

        def one(part: npt.NDArray[Any]) -> FloatArray:
            if whole:
                light = _each(lambda k, plane: tables[k][plane], part, len(tables))
                return light if self.matrix is None else linear_to_srgb(_mixed(light, self.matrix))
            unit = to_unit(part)
            return linear_to_srgb(_mixed(_each(lambda k, plane: self.curves[k].decode(plane), unit, len(self.curves)),
                                         self.matrix))  # fmt: skip

        return _by_blocks(one, pixels)

    def from_srgb(self, unit: FloatArray) -> FloatArray:
        """The inverse of `to_srgb`, as floats."""
        back = None if self.matrix is None else np.linalg.inv(self.matrix).astype(np.float64)

        def one(part: FloatArray) -> FloatArray:
            light = _mixed(srgb_to_linear(part), back)
            return _each(lambda k, plane: self.curves[k].encode(plane), light, len(self.curves))

        return _by_blocks(one, unit)


LINEAR = Parametric(1.0)
SRGB = Parametric(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@lru_cache(maxsize=16)
def transform(profile: bytes, linear: bool, gray: bool) -> Transform | LookupTransform | None:
    """How samples of a profile become sRGB-encoded; None where they are that already.

    An RGB profile's tables come before its matrix, as littleCMS and so the editors have it.

    Args:
        profile: an ICC profile; empty stands for sRGB.
        linear: the samples are linear light in the profile's primaries, whatever its curves.
        gray: the samples have one channel.

    Raises:
        ProfileError: the profile is damaged, or has neither tables nor matrix and curves.
    """
    if profile[16:20] == b"RGB " and not (linear or gray) and b"A2B0" in (tags := _tags(profile)):
        return _of_tables(LookupTransform(profile, b"B2A0" in tags))
    curves, matrix = parse(profile) if profile else ((SRGB,), None)
    if linear:
        curves = (LINEAR,)
    elif len(set(curves)) == 1:
        curves = curves[:1]
    if gray:
        curves, matrix = curves[len(curves) // 2 :][:1], None
    if matrix is not None and np.abs(matrix - np.eye(3)).max() < SAME:
        matrix = None
    steps = np.linspace(0, 1, 256, dtype=np.float32)
    if matrix is None and all(np.abs(c.decode(steps) - srgb_to_linear(steps)).max() < SAME for c in curves):
        return None
    return Transform(curves, matrix)


def parse(profile: bytes) -> tuple[tuple[Parametric | Sampled, ...], npt.NDArray[np.float64] | None]:
    """The curves and, of an RGB profile, the matrix to linear sRGB. Raises ProfileError."""
    tags, space = _tags(profile), profile[16:20]
    try:
        if space == b"GRAY":
            return (_curve(tags[b"kTRC"]),), None
        if space != b"RGB ":
            raise ProfileError(f"A profile of {space.decode('latin-1').strip()} colors does not go with RGB.")
        colorants = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        return curves, np.linalg.inv(SRGB_TO_XYZ) @ np.array(colorants).T
    except (struct.error, KeyError, IndexError, ValueError, np.linalg.LinAlgError) as error:
        raise error if isinstance(error, ProfileError) else ProfileError("The profile is damaged.") from error


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """Names and contents of what a profile holds. Raises ProfileError."""
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        if count > 200 or profile[36:40] != b"acsp":
            raise ProfileError("This is no ICC profile.")
        entries = [struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(count)]
    except struct.error:
        raise ProfileError("The profile is damaged.") from None
    return {name: profile[start : start + size] for name, start, size in entries}


def _of_tables(way: LookupTransform) -> LookupTransform | None:
    """The same; None where it changes nothing. Raises ProfileError where littleCMS cannot use the tables."""
    steps = np.linspace(0, 1, 5, dtype=np.float32)
    colors = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    try:
        shown = way.to_srgb(colors)
        way.from_srgb(shown)
    except ValueError:
        raise ProfileError("The profile's tables are damaged.") from None
    return None if np.abs(shown - colors).max() < SAME else way


def _xyz(tag: bytes) -> list[float]:
    return [value / 65536 for value in struct.unpack_from(">3i", tag, 8)]


def _curve(tag: bytes) -> Parametric | Sampled:
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        if kind > 4:
            raise ProfileError("The profile has a curve of an unknown kind.")
        g, *p = (v / 65536 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12))
        if g <= 0 or (p and p[0] <= 0):
            raise ProfileError("The profile has a curve that does not rise.")
        if kind == 0:
            return Parametric(g)
        if kind in (1, 2):
            level = p[2] if kind == 2 else 0.0
            return Parametric(g, p[0], p[1], 0.0, max(-p[1] / p[0], 0.0), level, level)
        return Parametric(g, *p)
    if tag[:4] != b"curv":
        raise ProfileError("The profile has no curves.")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return LINEAR
    if count == 1:
        return Parametric(struct.unpack_from(">H", tag, 12)[0] / 256 or 1.0)
    values = np.frombuffer(tag, ">u2", count, 12) / 65535
    if values[-1] <= values[0]:
        raise ProfileError("The profile has a curve that does not rise.")
    return Sampled(values)


def _signed(size: npt.NDArray[Any], like: FloatArray) -> FloatArray:
    return np.asarray(np.copysign(size, like), np.float32)


def _each(apply: Callable[[int, npt.NDArray[Any]], FloatArray], pixels: npt.NDArray[Any], curves: int) -> FloatArray:
    if curves == 1:
        return apply(0, pixels)
    return np.stack([apply(k, pixels[..., k]) for k in range(pixels.shape[-1])], axis=-1)


def _mixed(light: FloatArray, matrix: npt.NDArray[np.float64] | None) -> FloatArray:
    return light if matrix is None else np.asarray(light @ matrix.T.astype(np.float32), np.float32)


def _by_blocks(convert: Callable[[npt.NDArray[Any]], FloatArray], pixels: npt.NDArray[Any]) -> FloatArray:
    result: FloatArray = np.empty(pixels.shape, np.float32)
    rows = max(1, BLOCK // max(1, pixels[0].size))
    for top in range(0, len(pixels), rows):
        result[top : top + rows] = convert(pixels[top : top + rows])
    return result
