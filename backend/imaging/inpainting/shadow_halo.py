"""The shadow and halo mask: an object's shadow, and the rim of its colors, outside its selection.

A fill goes on inwards with what it finds at the hole's edge: a dark line under a car would become a dark ghost of it.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray

REACH, LEAST = 0.2, 8.0  # how far from the hole it is looked for: share of the root of its area, and pixels
STEPS = 12.0  # pixels of this width in the copy that is looked at
NOISE = 0.04  # of 0..1: differences like that are not seen
ODD, FAINT = 2.0, 1.4  # standard deviations from what lies beyond that start a part of the mask, and that continue it
SURROUNDINGS = (1.5, 1.5), (4.0, 0.4)  # reaches across and down; what lies along the horizon goes on in the second
NARROWER = 0.5  # how much of a shadow's width at the hole it may have where the reach ends
SOFT = 2  # pixels of the copy that are added around what is found, for its own soft edge


def shadow_halo_mask(image: FloatArray, hole: BoolArray, known: BoolArray) -> BoolArray:
    """Pixels that hang together with the hole and are unlike what lies beyond them.

    They end within the reach and the image, or are darker and become narrower, as a shadow does; else they are
    another thing that goes on.

    image: H x W x 3, 0..1. hole: H x W. known: H x W, what may be looked at, false in the hole. Returns H x W, false in
    the hole and where nothing is known. The colors beyond, farther away than the reach, are described by their mean
    and standard deviation, weighted by distance, so that texture and whatever goes on outwards is not in the mask.
    """
    if not hole.any() or not known.any():
        return np.zeros_like(hole)
    reach = max(LEAST, REACH * float(np.sqrt(np.count_nonzero(hole))))
    shrink = max(1.0, reach / STEPS)
    size = (max(2, round(hole.shape[1] / shrink)), max(2, round(hole.shape[0] / shrink)))
    weight = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colors = cv2.resize(np.where(known[..., None], image, np.float32(0)), size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.75
    smooth = _mean(colors, (1.2, 1.2)) / (_mean(weight, (1.2, 1.2)) + 1e-6)[..., None]
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    far = reach / shrink
    beyond = weight * (distance > far)
    near = (distance > 0) & (distance <= far) & (weight > 0)
    unlike, darker = _compared(smooth, beyond, far)
    found = np.zeros_like(inside)
    touching = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    end = distance > far - 1
    border = np.pad(np.zeros((size[1] - 2, size[0] - 2), bool), 1, constant_values=True)
    for kind, outwards, most in ((darker, end, NARROWER), (~darker, end | border, 0.0)):
        odd = near & kind & (unlike > FAINT)
        count, parts = cv2.connectedComponents(odd.astype(np.uint8), connectivity=4)
        sure, inner, outer = (
            np.bincount(parts[odd & where], minlength=count) for where in (unlike > ODD, touching, outwards)
        )
        found |= odd & ((sure > 0) & (inner > 0) & (outer <= most * inner))[parts]
    square = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SOFT + 1,) * 2)
    wide = cv2.resize(cv2.dilate(found.astype(np.float32), square), hole.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    result: BoolArray = (wide > 0.5) & known & ~hole
    return result


def _compared(colors: FloatArray, weight: FloatArray, reach: float) -> tuple[FloatArray, BoolArray]:
    """How many standard deviations H x W x 3 colors are away from their weighted mean in the surroundings, the least
    of all surroundings, 0 where nothing has a weight; and where all three are darker than the mean around them."""
    least = np.full(weight.shape, np.inf, np.float32)
    darker = np.ones(weight.shape, bool)
    for across, down in SURROUNDINGS:
        sigma = (reach * across, reach * down)
        mass = _mean(weight, sigma)
        share = (mass + 1e-9)[..., None]
        expected = _mean(colors * weight[..., None], sigma) / share
        variance = _mean(colors**2 * weight[..., None], sigma) / share - expected**2
        deviation = np.sqrt(((colors - expected) ** 2 / (variance.clip(min=0) + NOISE**2)).mean(2))
        least = np.minimum(least, np.where(mass > 1e-4, deviation, 0))
        darker &= (colors < expected).all(2)
    return least, darker


def _mean(values: FloatArray, sigma: tuple[float, float]) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1]), np.float32)
