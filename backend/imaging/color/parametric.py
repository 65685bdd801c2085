"""The harmonizer's color transform at full size: parameters on a coarse grid, enlarged bilinearly some rows at a time.

A grid is h x w x 15 float32, of every cell: three curves q, a matrix A row by row, an offset b. With
u = x + q x (1 - x) - 1/2 the transform is y = A u + 1/2 + b; see `models/networks/harmonizer.py` for its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.matting.guided_filter import resize_part

ROWS = 128  # of the image, transformed at a time


def transform_rows(grid: FloatArray, size: tuple[int, int], rows: slice, pixels: FloatArray) -> FloatArray:
    """The transform of some rows of an image.

    Args:
        grid: `h x w x 15`, stretched over the image.
        size: width and height of the image.
        rows: of the image that are transformed.
        pixels: `n x width x 3`, those rows, RGB, sRGB-encoded 0..1.

    Returns:
        `n x width x 3` float32, not clipped.
    """
    columns = slice(0, size[0])
    curves = resize_part(np.ascontiguousarray(grid[..., :3]), size, rows, columns)
    x = np.clip(pixels, 0, 1)
    u = curves
    u *= x * (1 - x)
    u += pixels
    u -= np.float32(0.5)
    result = resize_part(np.ascontiguousarray(grid[..., 12:]), size, rows, columns)
    result += np.float32(0.5)
    for k in range(3):
        row = resize_part(np.ascontiguousarray(grid[..., 3 + 3 * k : 6 + 3 * k]), size, rows, columns)
        row *= u
        result[..., k] += row.sum(2)
    return result


def row_strips(height: int) -> Iterator[slice]:
    """The rows of an image in strips of ROWS."""
    for top in range(0, height, ROWS):
        yield slice(top, min(top + ROWS, height))


def resample_grid(grid: FloatArray, seen: tuple[float, float, float, float], wanted: tuple[float, float, float, float],
                  cells: int) -> FloatArray:  # fmt: skip
    """A grid that is stretched over one box as a grid over another.

    Args:
        grid: h x w x C.
        seen: the box that the grid lies over: left, top, width, height.
        wanted: the box that the result lies over; outside of `seen` the edge's values go on.
        cells: rows and columns of the result.

    Returns:
        cells x cells x C.
    """
    height, width = grid.shape[:2]
    columns, rows = (
        ((wanted[i] + (np.arange(cells) + 0.5) * wanted[i + 2] / cells - seen[i]) * length / seen[i + 2] - 0.5)
        for i, length in ((0, width), (1, height))
    )
    result: FloatArray = _interpolated(_interpolated(grid, rows, 0), columns, 1)
    return result


def _interpolated(grid: FloatArray, places: np.ndarray, axis: int) -> FloatArray:
    """Linear between the cells' centers, constant beyond the first and the last."""
    places = np.clip(places, 0, grid.shape[axis] - 1)
    first = np.minimum(places.astype(int), max(grid.shape[axis] - 2, 0))
    share = (places - first).astype(np.float32)
    share = share.reshape([-1 if i == axis else 1 for i in range(3)])
    second = np.minimum(first + 1, grid.shape[axis] - 1)
    result: FloatArray = np.take(grid, first, axis) * (1 - share) + np.take(grid, second, axis) * share
    return result
