"""Holes of an object through which its background is seen, told by color: a ring's inside, what is between spokes."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import lab, to_unit

BINS = (12, 20, 20)  # of L*, a*, b*
RANGES = ((0.0, 1.0), (-0.8, 0.8), (-0.8, 0.8))
OUTSIDE, INSIDE = 0.1, 0.5  # probabilities below and above which pixels teach what background and object look like
LIKE = 0.5  # logarithm of how much likelier the background's colors are in a hole than the object's
UNLIKE = -0.7  # and how they are in what encloses it
LEAST = 0.003  # of the map: smaller holes are left as they are
SURE = 0.9  # mean probability from which the network is taken at its word that there is no hole
NEAR = 7  # pixels around a hole that must be the object
MARGIN = 0.05  # of probability, above `SURE`: what counts as doubt where holes are looked for without colors


def may_have_holes(probability: FloatArray, sure: float = SURE) -> bool:
    """Whether `open_holes` could open anything, told without the image: it is spared where an object is solid.

    A hole lies NEAR pixels inside the object, has at least LEAST of the map and a mean below `sure`; so its pixels are
    MARGIN and more, on average, below `sure` + MARGIN.

    Args:
        probability: h x w, 0..1.
        sure: as of `open_holes`.
    """
    if sure > 1:
        return True
    outside = _reaching_the_border(probability < OUTSIDE)
    within = cv2.distanceTransform(np.logical_not(outside).astype(np.uint8), cv2.DIST_L2, 3) > NEAR - 1
    doubt = np.maximum(np.float32(sure + MARGIN) - probability[within], 0).sum()
    return bool(doubt >= MARGIN * LEAST * probability.size)


def open_holes(image: AnyArray, probability: FloatArray, sure: float = SURE) -> FloatArray:
    """The probability of an object with the holes opened that surely show its background.

    A hole is enclosed by the object, has the colors that are outside and that what encloses it has not, and the network
    is in doubt of it. Where one of these does not hold it stays closed.

    Args:
        image: h x w x 3, integers or 0..1, sRGB-encoded, of the map's size.
        probability: h x w, 0..1.
        sure: mean probability from which a hole stays closed; above 1, colors alone decide.
    """
    outside, inside = _reaching_the_border(probability < OUTSIDE), probability > INSIDE
    if outside.mean() < 0.05 or inside.mean() < 2 * LEAST:
        return probability
    likelihood = _background_likelihood(lab(to_unit(image)), outside, inside)
    candidates = _cleaned(~outside, likelihood > LIKE)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    opened = probability
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < LEAST * probability.size:
            continue
        hole = labels == label
        around = _dilated(hole, NEAR) & ~_dilated(hole, 2)
        if (outside & around).any() or likelihood[around].mean() > UNLIKE or _at_border(hole):
            continue
        if probability[hole].mean() < sure:
            opened = np.where(hole, np.minimum(opened, np.float32(0.02)), opened).astype(np.float32)
    return opened


def _background_likelihood(colors: FloatArray, outside: BoolArray, inside: BoolArray) -> FloatArray:
    """Logarithm of the background's density of each pixel's color over the object's, smoothed, h x w."""
    from scipy.ndimage import gaussian_filter  # not above: it is slow to load, and few images have holes

    places = [
        np.clip((colors[..., k] - low) / (high - low) * bins, 0, bins - 1).astype(np.intp)
        for k, (bins, (low, high)) in enumerate(zip(BINS, RANGES, strict=True))
    ]
    index = np.ravel_multi_index(places, BINS)
    densities = []
    for mask in (outside, inside):
        counts = np.bincount(index[mask], minlength=int(np.prod(BINS))).reshape(BINS).astype(np.float32)
        densities.append(gaussian_filter(counts, 0.8).ravel() / counts.sum() + 1e-5)
    ratio = np.log(densities[0][index]) - np.log(densities[1][index])
    return np.asarray(cv2.blur(np.clip(ratio, -3, 3).astype(np.float32), (5, 5)), np.float32)


def _cleaned(where: BoolArray, similar: BoolArray) -> BoolArray:
    mask = (where & similar).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc) > 0)


def _dilated(mask: BoolArray, radius: int) -> BoolArray:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def _reaching_the_border(mask: BoolArray) -> BoolArray:
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.asarray(mask & np.isin(labels, border[border > 0]))


def _at_border(mask: BoolArray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
