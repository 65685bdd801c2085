"""Holes of a few pixels filled by their immediate surroundings, at the image's own size."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging import CancelCheck, stop_if
from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.masks.regions import bounding_box

RADIUS = 3  # pixels around each that are looked at
MARGIN = 4  # pixels around the holes that are needed
RANGE = 256.0  # OpenCV's thresholds are made for values of this size


def diffused(image: FloatArray, hole: BoolArray, cancelled: CancelCheck | None = None) -> FloatArray:
    """The image with its small holes filled, H x W x C float32 of any range.

    Isophotes go on into the hole as in a flow (Bertalmio et al. 2001, "Navier-Stokes, Fluid Dynamics, and Image and
    Video Inpainting").

    Bit-identical outside of the hole.
    """
    result = image.copy()
    box = bounding_box(hole)
    if box is None:
        return result
    window = box.padded(MARGIN, hole.shape).window
    # OpenCV leaves out the border of the image: it gets one that is missing, too
    part, missing = np.pad(image[window], ((2, 2), (2, 2), (0, 0)), mode="edge"), np.pad(hole[window], 2, mode="edge")
    mask = missing.astype(np.uint8)
    for k in range(image.shape[2]):
        stop_if(cancelled)
        plane = np.ascontiguousarray(part[..., k], np.float32) * np.float32(RANGE)
        filled = cv2.inpaint(plane, mask, RADIUS, cv2.INPAINT_NS)[2:-2, 2:-2] / np.float32(RANGE)
        result[window][..., k][hole[window]] = filled[hole[window]]
    return result
