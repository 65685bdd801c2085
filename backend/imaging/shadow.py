"""Shadows of something that stands on the ground: the darkness where it touches it, and the one that light throws."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray

CONTACT = 0.06  # what of an object's height stands close enough to the ground to darken it
SPREAD, FLAT = 0.08, 0.4  # blur across, of the object's width; and up and down, of the blur across
REACH = 3.0  # blurs around the object that the shadow is given room for
FORESHORTENED = 0.5  # the ground's depth is seen as so much of its width
THINNEST = 0.22  # of the object's height: a cast shadow is at least so tall, as objects are not flat
NEAR_BLUR, FAR_BLUR = 0.008, 0.04  # of the shadow's length: penumbra at the feet and at the head
COARSE = 6.0  # pixels, a sigma that is still sampled finely enough
LARGEST = 4096  # pixels a side at which a cast shadow is drawn; larger ones are enlarged


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
    soft = blurred(drawn, sigma, max(0.7, FLAT * sigma))
    shadow: FloatArray = soft / soft.max()
    return shadow, room


def cast_shadow(alpha: FloatArray, direction: float, length: float) -> tuple[FloatArray, int, int]:
    """The soft shadow that an upright object throws on level ground, sharp at its feet and softer towards its head.

    Args:
        alpha: `H x W`, 0..1.
        direction: where the shadow falls, degrees: 0 to the right, 90 away from the viewer, 180 left, 270 towards.
        length: of the shadow, of the object's height.

    Returns:
        The shadow's opacity, 0..1, and how many pixels right of and below alpha's upper left corner its own lies. All
        0 for an object that is nowhere more opaque than not.
    """
    rows = np.flatnonzero((alpha >= 0.5).any(1))
    if not len(rows):
        return np.zeros((1, 1), np.float32), 0, 0
    foot, tall = float(rows[-1] + 1), float(rows[-1] + 1 - rows[0])
    angle = np.deg2rad(direction)
    across, up = length * np.cos(angle), FORESHORTENED * length * np.sin(angle)
    if abs(up) < THINNEST:
        up = THINNEST if up >= 0 else -THINNEST
    # A point h above the foot lands h * across to the side of it and h * up above it.
    width = alpha.shape[1]
    corners = [(x + across * (foot - y), foot - up * (foot - y)) for x in (0, width) for y in (0.0, foot)]
    reach = max(1.0, float(np.hypot(across, up)) * tall)
    room = int(np.ceil(REACH * FAR_BLUR * reach)) + 2
    left, top = (int(np.floor(min(c[i] for c in corners))) - room for i in (0, 1))
    right, bottom = (int(np.ceil(max(c[i] for c in corners))) + room for i in (0, 1))
    scale = min(1.0, LARGEST / max(right - left, bottom - top))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    matrix = np.array([[1, -across, across * foot - left], [0, up, foot - up * foot - top]]) * scale
    thrown = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    away = np.abs((np.arange(size[1]) + 0.5) / scale + top - foot) / (abs(up) * tall)
    far = np.clip(away, 0, 1).astype(np.float32)[:, None]
    blurs = (max(0.7, blur * reach * scale) for blur in (NEAR_BLUR, FAR_BLUR))
    near, soft = (blurred(thrown, blur, blur) for blur in blurs)
    shadow: FloatArray = (near + far * (soft - near)) * (1 - np.float32(0.4) * far)
    if scale < 1:
        shadow = cv2.resize(shadow, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return shadow, left, top


def blurred(image: FloatArray, across: float, up: float) -> FloatArray:
    """A Gaussian blur, `H x W`, of these sigmas in pixels; a wide one at a smaller size, which loses nothing by it."""
    small = image
    while min(across, up) >= 2 * COARSE and min(small.shape) >= 2 * COARSE:
        small = cv2.resize(small, (-(-small.shape[1] // 2), -(-small.shape[0] // 2)), interpolation=cv2.INTER_AREA)
        across, up = across / 2, up / 2
    soft = cv2.GaussianBlur(small, (0, 0), sigmaX=across, sigmaY=up)
    enlarged: FloatArray = soft
    if small is not image:
        enlarged = cv2.resize(soft, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return enlarged
