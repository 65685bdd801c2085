"""Affine color transforms that change from place to place, given on a coarse grid and applied at full size.

After Gharbi et al. 2017, "Deep Bilateral Learning for Real-Time Image Enhancement": the transforms are smooth, all
detail is the full-size image's own. A field is h x w x 13 float32: of every cell the matrix A row by row, then b,
then the weight c of a second image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.matting.guided_filter import resize_part

ROWS = 128  # of the image, transformed at a time


def transformed(
    field: FloatArray,
    size: tuple[int, int],
    part: tuple[slice, slice],
    pixels: Callable[[slice], tuple[FloatArray, FloatArray]],
) -> Iterator[tuple[slice, FloatArray]]:
    """A p + b + c q of the pixels p and q of a part of two images, some rows at a time.

    Args:
        field: h x w x 13, stretched over the images: A row by row, b, c.
        size: width and height of the images.
        part: rows and columns of them that are wanted.
        pixels: gives both's pixels there, n x w x 3 float32 each, for a slice of the images' rows.

    Yields:
        A slice of the images' rows, and the result there, n x w x 3.
    """
    rows, columns = part
    planes = [np.dstack([field[..., 3 * k : 3 * k + 3], field[..., 9 + k]]) for k in range(3)]
    share = np.ascontiguousarray(field[..., 12])
    for top in range(rows.start, rows.stop, ROWS):
        strip = slice(top, min(top + ROWS, rows.stop))
        p, q = pixels(strip)
        out = q * resize_part(share, size, strip, columns)[..., None]
        for k, plane in enumerate(planes):
            a = resize_part(plane, size, strip, columns)
            out[..., k] += a[..., 0] * p[..., 0] + a[..., 1] * p[..., 1] + a[..., 2] * p[..., 2] + a[..., 3]
        yield strip, out
