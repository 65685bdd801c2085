"""The shadow that something casts where it stands on the ground."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray

CONTACT = 0.06  # what of an object's height stands close enough to the ground to darken it
SPREAD, FLAT = 0.08, 0.4  # blur across, of the object's width; and up and down, of the blur across
REACH = 3.0  # blurs around the object that the shadow is given room for


def contact_shadow(alpha: FloatArray, softness: float = 1.0) -> tuple[FloatArray, int]:
    """Soft darkness along the lower contour of an object, darkest where it comes closest to the ground.

    alpha: H x W, 0..1; softness: blurs this many times as wide. Returns the shadow's opacity, 0..1, on a canvas with so
    many more pixels on each side, and that number. All 0 for an object that is nowhere more opaque than not.
    """
    inside = alpha >= 0.5
    columns = np.flatnonzero(inside.any(0))
    if not len(columns):
        return np.zeros_like(alpha), 0
    rows = np.flatnonzero(inside.any(1))
    tall, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    lowest = len(alpha) - 1 - inside[::-1, columns].argmax(0)
    sigma = max(1.0, SPREAD * softness * min(wide, 2 * tall))
    room = int(np.ceil(REACH * sigma))
    drawn = np.zeros((alpha.shape[0] + 2 * room, alpha.shape[1] + 2 * room), np.float32)
    drawn[lowest + room, columns + room] = np.exp((lowest - lowest.max()) / max(1.0, CONTACT * tall))
    soft = cv2.GaussianBlur(drawn, (0, 0), sigmaX=sigma, sigmaY=max(0.7, FLAT * sigma))
    shadow: FloatArray = soft / soft.max()
    return shadow, room
