"""Small copies of large images."""

from __future__ import annotations

import cv2

from backend.imaging.arrays import AnyArray


def reduced(image: AnyArray, size: tuple[int, int]) -> AnyArray:
    """The image (H x W [x C]) at size (width, height), no larger than it: means over areas, in its own type.

    Halved as long as that leaves enough, which OpenCV does many times faster than any other reduction; the last row or
    column of an odd number is left out of that.
    """
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        height, width = (n // 2 for n in image.shape[:2])
        image = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    return image if image.shape[1::-1] == size else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
