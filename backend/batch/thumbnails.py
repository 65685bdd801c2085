"""Thumbnails of an image and its result, for the report."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from plugin.client.image import Raster

if TYPE_CHECKING:
    from ..imaging.arrays import FloatArray

SIDE = 128  # longest, in pixels
QUALITY = 75
GAP = 4  # pixels of white between the two
SQUARE = 8  # of the checkerboard below what is transparent


def thumbnail(before: Raster, after: Raster) -> str:
    """An image and its result beside each other: a JPEG in base64."""
    import cv2
    import numpy as np

    one, other = _small(before), _small(after)
    height = max(len(one), len(other))
    sheet = np.ones((height, one.shape[1] + GAP + other.shape[1], 3), np.float32)
    sheet[: len(one), : one.shape[1]] = one
    sheet[: len(other), -other.shape[1] :] = other
    pixels = np.rint(np.clip(sheet[..., ::-1], 0, 1) * 255).astype(np.uint8)
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return b64encode(content.tobytes()).decode()


def _small(image: Raster) -> FloatArray:
    """H x W x 3 float32, 0..1, of the image over a checkerboard."""
    import numpy as np

    from backend.io.rasters import colors, coverage, from_array, ordered, scaled

    longest = max(image.width, image.height)
    every = max(1, longest // (4 * SIDE))  # averaging all of a large image would take longer than some jobs
    part = from_array(ordered(image)[::every, ::every])
    small = scaled(part, min(1.0, SIDE / max(part.width, part.height)))
    alpha = coverage(small)[..., None]
    rows, columns = np.ogrid[: small.height, : small.width]
    board = np.where((rows // SQUARE + columns // SQUARE) % 2, np.float32(0.8), np.float32(1))[..., None]
    return np.asarray(colors(small) * alpha + board * (1 - alpha), np.float32)
