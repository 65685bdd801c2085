"""K-means segmentation with weighted features and neighborhood correction.

After "Stylized portraits" section 2.1: each pixel v is a vector of features, the distance of two vectors is

    d^2(v, u) = sum_i w_i^2 (v_i - u_i)^T (v_i - u_i)

and pixels whose neighbors fell into another segment are corrected by them. The weakness the paper names, random
initial centers, is met with k-means++ (D. Arthur, S. Vassilvitskii, 2007), several starts and an explicit generator.
The centers are found by `cv2.kmeans`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging import CancelCheck, stop_if
from backend.imaging.arrays import FloatArray, UInt8Array
from backend.imaging.color.spaces import lab

_WORKING_SIDE = 256  # longest side of the reduced copy on which the centers are found
_ITERATIONS = 40
_AT_ONCE = 8  # iterations between two looks for a cancel
_SETTLED = 1e-3  # a move of the centers that is none
_SIGMA = 4.0  # pixels: the least standard deviation of the neighborhood of which texture is taken, when reduced
_CHUNK_ROWS = 256


@dataclass(frozen=True)
class Weights:
    """The weights w_i of the features: L*, a* and b*, position (0..1 along the longer side), local texture."""

    lightness: float = 0.7
    color: float = 1.4
    position: float = 0.3
    texture: float = 0.7


@dataclass(frozen=True)
class Segmentation:
    """Labels `H x W` u8 and the centers `clusters x 6` in weighted features (L, a, b, x, y, texture)."""

    labels: UInt8Array
    centers: FloatArray


def segment(
    image: FloatArray,
    clusters: int = 2,
    weights: Weights | None = None,
    correction_passes: int = 2,
    generator: np.random.Generator | None = None,
    starts: int = 4,
    cancelled: CancelCheck | None = None,
) -> Segmentation:
    """Divide an image into clusters of similar pixels.

    Args:
        image: `H x W x 3`, 0..1, sRGB-encoded.
        clusters: 2..32.
        weights: of the features.
        correction_passes: how often each pixel takes the label most of its neighbors have.
        generator: of the initial centers; the same generator state gives the same labels.
        starts: how many initializations are tried; the most compact result is kept.
        cancelled: polled during the work.

    Raises:
        ValueError: the image or the number of clusters is out of range.
    """
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"Expected an image H x W x 3, got {image.shape}.")
    if not 2 <= clusters <= 32:
        raise ValueError(f"Expected 2 to 32 clusters, got {clusters}.")
    weights, generator = weights or Weights(), generator or np.random.default_rng(0)
    height, width = image.shape[:2]
    colors = lab(image)
    texture = _texture(np.ascontiguousarray(colors[..., 0]))
    across, down = (np.arange(length, dtype=np.float32) / max(height, width) for length in (width, height))
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def reduced(values: FloatArray, width: int, height: int) -> FloatArray:
        return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA), np.float32)

    small = _features(
        reduced(colors, *size), reduced(texture, *size), reduced(across[None], size[0], 1)[0],
        reduced(down[None], size[1], 1)[0], weights,
    )  # fmt: skip
    points = small.reshape(-1, small.shape[2])
    cv2.setRNGSeed(int(generator.integers(2**31)))
    best, centers = np.inf, points[:clusters]
    for _ in range(starts):
        spread, found = _centers(points, clusters, cancelled)
        if spread < best:
            best, centers = spread, found
    labels = np.empty((height, width), np.uint8)
    for top in range(0, height, _CHUNK_ROWS):
        stop_if(cancelled)
        rows = np.s_[top : top + _CHUNK_ROWS]
        found = _features(colors[rows], texture[rows], across, down[rows], weights)
        labels[rows] = _nearest(found.reshape(-1, found.shape[2]), centers)[0].reshape(found.shape[:2])
    reach = max(1, round(1 / scale))
    for _ in range(correction_passes):
        corrected = np.empty_like(labels)
        for top in range(0, height, _CHUNK_ROWS):
            stop_if(cancelled)
            above = min(top, reach)
            seen = labels[top - above : top + _CHUNK_ROWS + reach]
            corrected[top : top + _CHUNK_ROWS] = _majority(seen, clusters, reach)[above : above + _CHUNK_ROWS]
        labels = corrected
    return Segmentation(labels, centers)


def subject_mask(segmentation: Segmentation, selection: UInt8Array | None = None) -> UInt8Array:
    """Which clusters are the subject, as a u8 mask 0 or 255.

    With a selection: the clusters that fill it more than they fill the rest of the image. Without one: the clusters
    that lie more about the middle than along the border of the image; at least one is and one is not the subject.
    """
    labels = segmentation.labels
    count = len(segmentation.centers)
    total = np.bincount(labels.ravel(), minlength=count)
    if selection is not None and selection.any():
        chosen = np.bincount(labels.ravel(), weights=selection.ravel() / 255.0, minlength=count)
        score = chosen / np.maximum(chosen.sum(), 1e-9) - (total - chosen) / np.maximum((total - chosen).sum(), 1e-9)
    else:
        middle, border = _center_prior(labels.shape), _border_prior(labels.shape)
        in_middle = np.bincount(labels.ravel(), weights=middle.ravel(), minlength=count) / middle.sum()
        at_border = np.bincount(labels.ravel(), weights=border.ravel(), minlength=count) / border.sum()
        score = in_middle - at_border
    present = total > 0
    subject = (score > 0) & present
    if not subject.any():
        subject[np.argmax(np.where(present, score, -np.inf))] = True
    return np.where(subject[labels], 255, 0).astype(np.uint8)


def _features(
    colors: FloatArray, texture: FloatArray, across: FloatArray, down: FloatArray, weights: Weights
) -> FloatArray:
    """Weighted features `H x W x 6`: with them d^2 is the plain squared distance.

    colors: `H x W x 3`, L*a*b*; texture: `H x W`; across, down: W and H, position in 0..1.
    """
    features = np.empty((*texture.shape, 6), np.float32)
    features[..., 0] = weights.lightness * colors[..., 0]
    features[..., 1:3] = weights.color * colors[..., 1:]
    features[..., 3] = weights.position * across
    features[..., 4] = weights.position * down[:, None]
    features[..., 5] = weights.texture * texture
    return features


def _texture(lightness: FloatArray) -> FloatArray:
    """Standard deviation of the lightness around each pixel, H x W, in a Gaussian of a hundredth of the longer side."""
    height, width = lightness.shape
    sigma = max(1.0, 0.01 * max(height, width))
    shrink = max(1, int(sigma / _SIGMA))
    size = max(1, width // shrink), max(1, height // shrink)

    def mean(values: FloatArray) -> FloatArray:
        small = values if shrink == 1 else cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), sigma / shrink), np.float32)

    found = np.sqrt(np.maximum(mean(lightness**2) - mean(lightness) ** 2, 0))
    whole = found if shrink == 1 else cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)


def _centers(points: FloatArray, clusters: int, cancelled: CancelCheck | None) -> tuple[float, FloatArray]:
    """(Sum of squared distances, centers) from one start of OpenCV's K-means. points: N x D; centers: clusters x D."""
    fewer = min(clusters, len(points))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _AT_ONCE, _SETTLED)
    stop_if(cancelled)
    spread, labels, centers = cv2.kmeans(points, fewer, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    for _ in range(_AT_ONCE, _ITERATIONS, _AT_ONCE):
        stop_if(cancelled)
        before = centers
        spread, labels, centers = cv2.kmeans(points, fewer, labels, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)
        if np.square(centers - before).sum(1).max() <= _SETTLED**2:
            break
    return float(spread), np.resize(centers, (clusters, points.shape[1])).astype(np.float32)


def _nearest(points: FloatArray, centers: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Index of and squared distance to the nearest center of each point."""
    distance = np.square(centers).sum(1) - 2 * points @ centers.T
    labels = distance.argmin(1)
    nearest = np.take_along_axis(distance, labels[:, None], 1)[:, 0] + np.square(points).sum(1)
    return labels, np.maximum(nearest, 0)


def _majority(labels: UInt8Array, clusters: int, reach: int) -> UInt8Array:
    """The commonest label in the square of `reach` pixels around each pixel; its own wins a tie."""
    best = np.full(labels.shape, -1, np.float32)
    winner = labels.copy()
    for cluster in range(clusters):
        own = labels == cluster
        votes = cv2.boxFilter(own.astype(np.float32), -1, (2 * reach + 1,) * 2, normalize=False)
        votes = np.rint(votes) + np.float32(0.5) * own
        ahead = votes > best
        best[ahead] = votes[ahead]
        winner[ahead] = cluster
    return winner


def _center_prior(shape: tuple[int, ...]) -> FloatArray:
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in shape[:2])
    return np.asarray(np.exp(-2 * y**2)[:, None] * np.exp(-2 * x**2)[None, :], np.float32)


def _border_prior(shape: tuple[int, ...]) -> FloatArray:
    """The frame of the image, a twentieth wide, without its lower side: there the subject usually runs out."""
    height, width = shape[:2]
    frame = np.zeros((height, width), np.float32)
    rim = max(1, min(height, width) // 20)
    frame[:rim] = 1
    frame[:, :rim] = 1
    frame[:, width - rim :] = 1
    return frame
