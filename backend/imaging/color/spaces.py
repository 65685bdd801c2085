"""Color: the sRGB curve, luminance and CIE L*a*b*. Values 0..1, channels last, sRGB-encoded unless named linear."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray

REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of R, G and B in the luminance Y of linear light (ITU-R BT.709)."""

REC601 = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R', G' and B' in the luma Y' of encoded values (ITU-R BT.601), as in YCbCr and YIQ."""


_PIECE = 1 << 20  # values that are computed at once: a curve can be interrupted, and takes little memory


def _in_pieces(curve: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    flat = np.ravel(values)
    result = np.empty(flat.shape, np.float32)
    for start in range(0, flat.size, _PIECE):
        result[start : start + _PIECE] = curve(flat[start : start + _PIECE])
    return result.reshape(np.shape(values))


def to_unit(image: AnyArray) -> FloatArray:
    """Integers to 0..1 by their dtype's maximum; floats as they are. Always float32."""
    if not np.issubdtype(image.dtype, np.integer):
        return image.astype(np.float32, copy=False)
    full = np.iinfo(image.dtype).max
    if image.size <= _PIECE:
        return np.asarray(np.divide(image, full, dtype=np.float32), np.float32)
    unit = np.empty(image.shape, np.float32)
    rows = max(1, _PIECE * len(image) // image.size)
    for top in range(0, len(image), rows):
        np.divide(image[top : top + rows], full, out=unit[top : top + rows], dtype=np.float32)
    return unit


def srgb_to_linear(encoded: FloatArray) -> FloatArray:
    """Decode sRGB (IEC 61966-2-1), point-symmetric below 0 and continued above 1."""
    return _in_pieces(_decoded, encoded)


def _decoded(encoded: FloatArray) -> FloatArray:
    size = np.abs(encoded)
    curve = np.power((size + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.copysign(np.where(size <= 0.04045, size / np.float32(12.92), curve), encoded).astype(np.float32)


def linear_to_srgb(linear: FloatArray) -> FloatArray:
    """Encode linear light as sRGB: the inverse of `srgb_to_linear`."""
    return _in_pieces(_encoded, linear)


def _encoded(linear: FloatArray) -> FloatArray:
    size = np.abs(linear)
    curve = np.float32(1.055) * np.power(size, np.float32(1 / 2.4)) - np.float32(0.055)
    return np.copysign(np.where(size <= 0.0031308, size * np.float32(12.92), curve), linear).astype(np.float32)


def luminance(image: FloatArray) -> FloatArray:
    """Relative luminance `H x W`, linear, of `H x W x 3` (Rec. 709 primaries)."""
    return np.asarray(srgb_to_linear(image) @ REC709, np.float32)


def lab(image: FloatArray) -> FloatArray:
    """CIE L*a*b* (D65) of `H x W x 3`, scaled by 1/100: L in 0..1, a and b about -1..1."""
    result = np.empty(image.shape, np.float32)
    rows = max(1, _PIECE // (3 * max(1, image.shape[1])))
    for top in range(0, image.shape[0], rows):
        values = cv2.cvtColor(np.ascontiguousarray(image[top : top + rows], np.float32), cv2.COLOR_RGB2LAB)
        np.divide(values, np.float32(100), out=result[top : top + rows])
    return result
