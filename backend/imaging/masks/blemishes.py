"""Dust and scratches: small spots and thin lines that are unlike the smooth surroundings they lie on.

Candidates are what morphological top-hats leave above the level of the texture there. Each is judged by how it stands
out: by its contrast beside what varies around it, its steepness and its shape. What counts how much of a spot was
fitted by logistic regression to dust that was drawn into photographs as `benchmarks/blemishes.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging import CancelCheck, stop_if
from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, UInt8Array

WIDEST = 12  # pixels: what is wider is no dust
FAINTEST = 8.0  # of 255: contrast of a candidate,
ABOVE_TEXTURE = 2.0  # and that many times the mean contrast around it
FLANK = 0.35  # of a candidate's largest contrast: how far down its flanks it reaches
NEAR, FAR = 6, 24  # sides of squares, in pixels of the small image: surroundings, and what the texture is measured in
SHRINK = 4  # times that the small image is smaller
GAP, RING = 2, 4  # pixels between a candidate and the ring around it, and the ring's width
LONGEST = 1.5  # length of a spot at most, of the widest spot; longer ones are lines
NARROW = 3.0  # length of a line at least, of its thickness
SCRATCH = 5.0  # mean thickness of a line in pixels at most
BENT = 0.04  # of a line's length: standard deviation across it at most; a twig, a strand of hair bend more
MOST = 65000  # candidates that are judged at once: labels have 16 bits
LEAST = 0.02  # added to what a logarithm is taken of
EASE = 2.5  # of the score: what the sensitivities 0 and 100 take from it and add to it


@dataclass(frozen=True)
class Weights:
    """Of the logarithms of `Candidates.features` and of their squares; a score above 0 means a blemish."""

    linear: tuple[float, ...]
    square: tuple[float, ...]
    constant: float

    def score(self, features: FloatArray) -> FloatArray:
        """One value for each of the N x 6 features."""
        logarithms = np.log(features + LEAST)
        found: FloatArray = logarithms @ np.array(self.linear) + logarithms**2 @ np.array(self.square) + self.constant
        return found


SPOT = Weights((4.143, -0.659, -0.598, 0.861, 2.642, 1.161), (-0.443, -0.045, 0.365, 0.069, 0.175, -1.095), -16.03)
UNEVEN = 0.1  # standard deviation of the ring around a line, of its contrast, at most with a sensitivity of 50,
BUSY = 0.025  # and mean contrast in that ring, of the line's
FAINTEST_LINE = 20.0  # of 255: contrast of a line at least


def blemishes(
    gray: UInt8Array, sensitivity: float = 50.0, widest: int = WIDEST, cancelled: CancelCheck | None = None
) -> BoolArray:
    """Where dust and scratches are.

    Args:
        gray: H x W, 0..255, sRGB-encoded.
        sensitivity: 0..100.
        widest: of a spot, in pixels.
        cancelled: polled.

    Returns:
        H x W, with the pixel around each, which is often half of it.
    """
    found = np.zeros(gray.shape, np.uint8)
    ease = 2.0 ** ((sensitivity - 50) / 25)
    for part in candidates(gray, widest, cancelled):
        contrast, uneven, busy = part.features[:, :3].T
        spot = SPOT.score(part.features) + EASE * (sensitivity - 50) / 50 > 0
        line = (contrast * ease >= FAINTEST_LINE) & (uneven <= UNEVEN * ease**0.5) & (busy <= BUSY * ease)
        chosen = np.where(part.line, line, spot)
        found.reshape(-1)[part.pixels[chosen[part.number]]] = 1
    return np.asarray(cv2.dilate(found, np.ones((3, 3), np.uint8)) > 0)


@dataclass(frozen=True)
class Candidates:
    """What may be dust or a scratch.

    Attributes:
        pixels: flat indices.
        number: of each pixel's candidate, 0..N - 1.
        features: N x 6. Contrast, 0..255; standard deviation of the ring around it, mean contrast beside it,
            steepness, of that; thickness and length in pixels.
        line: N, whether it is a line.
    """

    pixels: AnyArray
    number: AnyArray
    features: FloatArray
    line: BoolArray


def candidates(gray: UInt8Array, widest: int = WIDEST, cancelled: CancelCheck | None = None) -> list[Candidates]:
    """The dark and the bright ones. gray: H x W; widest: of a spot, in pixels."""
    square = np.ones((widest + 1,) * 2, np.uint8)
    hats = []
    for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        stop_if(cancelled)
        hats.append(np.asarray(cv2.morphologyEx(gray, how, square, borderType=cv2.BORDER_REPLICATE), np.uint8))
    busy = _reduced(np.maximum(*hats))
    near = np.asarray(cv2.blur(busy, (NEAR, NEAR)), np.float32)
    steep = np.asarray(cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), np.uint8)
    found = []
    for hat in hats:
        stop_if(cancelled)
        level = ABOVE_TEXTURE * cv2.blur(_reduced(hat), (FAR, FAR))
        threshold = np.clip(np.maximum(level, FAINTEST), 0, 255).astype(np.uint8)
        threshold = cv2.resize(threshold, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
        found += _of_one_kind(gray, hat, np.asarray(hat > threshold), near, steep, widest)
    return found


def _reduced(values: UInt8Array) -> FloatArray:
    """Means of squares of `SHRINK` pixels."""
    height, width = values.shape
    size = (-(-width // SHRINK), -(-height // SHRINK))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _of_one_kind(
    gray: UInt8Array, hat: UInt8Array, above: BoolArray, near: FloatArray, steep: UInt8Array, widest: int
) -> list[Candidates]:
    """Those of the parts above the texture that have the shape of dust or of a scratch; none or one."""
    width = gray.shape[1]
    count, labels = cv2.connectedComponents(above.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    pixels = np.flatnonzero(above)
    number, values = labels.reshape(-1)[pixels], hat.reshape(-1)[pixels]
    peak = _largest(values, number, count)
    kept = values > FLANK * peak[number]
    pixels, number = pixels[kept], number[kept]
    area, length, across = moments(number, pixels, count, width)
    thickness = area / length
    spot = (length <= LONGEST * widest) & (thickness <= widest)
    line = (length > LONGEST * widest) & (thickness <= SCRATCH) & (length >= NARROW * thickness)
    line &= across <= np.maximum(thickness / 2, BENT * length)
    shaped = (spot | line) & (peak > 0)
    names = np.cumsum(shaped) * shaped
    if not 0 < names.max() <= MOST:
        return []
    kept = shaped[number]
    pixels, number = pixels[kept], names[number[kept]]
    count = int(names.max()) + 1
    lines = np.append(False, line[shaped])
    labels = np.zeros(gray.shape, np.uint16)
    labels.reshape(-1)[pixels] = number
    inner = cv2.dilate(labels, np.ones((2 * GAP + 1,) * 2, np.uint8))
    outer = cv2.dilate(labels, np.ones((2 * (GAP + RING) + 1,) * 2, np.uint8))
    flank = np.flatnonzero(inner)
    steepness = _largest(steep.reshape(-1)[flank], inner.reshape(-1)[flank], count)
    outer[inner > 0] = 0
    ring = np.flatnonzero(outer)
    of, around = outer.reshape(-1)[ring], gray.reshape(-1)[ring].astype(np.float32)
    there = np.bincount(of, minlength=count)
    mean = np.bincount(of, around, count) / np.maximum(there, 1)
    # along a line the ground may change, slowly
    ground = np.where(lines[of], cv2.blur(_reduced(gray), (NEAR, NEAR))[_small(ring, width, near)], mean[of])
    rest = around - ground
    rest -= (np.bincount(of, rest, count) / np.maximum(there, 1))[of]
    deviation = np.sqrt(np.bincount(of, rest**2, count) / np.maximum(there, 1))
    contrast = _largest(np.abs(gray.reshape(-1)[pixels] - mean[number]), number, count)
    contrast = np.maximum(contrast, 1)
    size = np.bincount(number, minlength=count)
    busy = np.bincount(number, near[_small(pixels, width, near)], count) / np.maximum(size, 1)
    own = np.bincount(number, hat.reshape(-1)[pixels], count) / (NEAR * SHRINK) ** 2
    beside = np.where(
        lines,
        np.bincount(of, hat.reshape(-1)[ring], count) / np.maximum(there, 1),
        busy - own,
    )
    beside = np.maximum(beside, 0) / contrast
    enough = there >= 8
    features = np.stack(
        [
            contrast,
            np.where(enough, deviation / contrast, 1),
            beside,
            steepness / contrast,
            np.concatenate([[0], thickness[shaped]]),
            np.concatenate([[0], length[shaped]]),
        ],
        axis=1,
    )[1:]
    return [Candidates(pixels, number - 1, features.astype(np.float32), lines[1:])]


def _small(pixels: AnyArray, width: int, small: FloatArray) -> tuple[AnyArray, AnyArray]:
    """Where flat indices of an image so wide lie in a small image."""
    row, column = pixels // width // SHRINK, pixels % width // SHRINK
    return np.minimum(row, small.shape[0] - 1), np.minimum(column, small.shape[1] - 1)


def _largest(values: AnyArray, number: AnyArray, count: int) -> FloatArray:
    """The largest value of each part, 0 for none."""
    found = np.zeros(count, np.float32)
    np.maximum.at(found, number, values.astype(np.float32))
    return found


def moments(number: AnyArray, pixels: AnyArray, count: int, width: int) -> tuple[AnyArray, AnyArray, AnyArray]:
    """What the first and second moments say of parts of an image.

    Args:
        number: of each pixel's part, 0..count - 1.
        pixels: flat indices.
        count: of the parts.
        width: of the image.

    Returns:
        Of each part its area, its length (as if it were a bar) and its standard deviation across that, in pixels.
    """
    area = np.maximum(np.bincount(number, minlength=count), 1)

    def mean(values: AnyArray) -> AnyArray:
        return np.bincount(number, values, count) / area

    y, x = pixels // width, pixels % width
    x, y = x - mean(x)[number], y - mean(y)[number]
    xx, yy, xy = mean(x * x), mean(y * y), mean(x * y)
    spread = np.hypot((xx - yy) / 2, xy)
    along, across = (xx + yy) / 2 + spread, np.maximum((xx + yy) / 2 - spread, 0)
    return area, np.sqrt(12 * along + 1), np.sqrt(across)
