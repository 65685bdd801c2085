"""Boxes: which part of a picture has to travel. A box is x, y, width, height in pixels."""

from __future__ import annotations

from math import ceil

from .raster import Bytes

Box = tuple[int, int, int, int]


def intersection(a: Box, b: Box) -> Box | None:
    """The part that both boxes cover, None where they do not meet."""
    left, top = max(a[0], b[0]), max(a[1], b[1])
    right, bottom = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def grown(box: Box, margin: float, least: int = 0) -> Box:
    """The box with a border of `margin` times its longer side, rounded up, and of `least` pixels at least."""
    border = max(ceil(margin * max(box[2], box[3])), least)
    return box[0] - border, box[1] - border, box[2] + 2 * border, box[3] + 2 * border


def bounds(samples: Bytes, width: int, height: int) -> Box | None:
    """Smallest box around the non-zero ones of `width * height` one-byte samples, None when all are zero."""
    data = bytes(samples)
    start, end = len(data) - len(data.lstrip(b"\0")), len(data.rstrip(b"\0"))
    if end == 0:
        return None
    top, bottom = start // width, (end - 1) // width
    left, right = width, 0
    for row in range(top * width, (bottom + 1) * width, width):
        head = data[row : row + left]
        left = min(left, len(head) - len(head.lstrip(b"\0")))
        right += len(data[row + right : row + width].rstrip(b"\0"))
    return left, top, right - left, bottom - top + 1
