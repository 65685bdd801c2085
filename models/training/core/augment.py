"""Augmentation of images with masks: one affine warp for all that belongs together, then color, blur and JPEG
noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.core.arrays import UInt8Array

Matrix = NDArray[np.float64]


def random_affine(width: int, height: int, size: int, rng: np.random.Generator, zoom: bool = True) -> Matrix:
    """2 x 3 matrix from a width x height image to size x size: the whole image stretched, or a part of it; flips,
    small turns.

    Half of the images stay whole, for what the subject is depends on all that is around it.
    """
    scale_x, scale_y = size / width, size / height
    stretch = np.exp(rng.uniform(-0.12, 0.12))
    scale = rng.uniform(1.0, 1.7) if zoom and rng.uniform() < 0.35 else rng.uniform(0.92, 1.08)
    angle = np.deg2rad(rng.uniform(-15, 15)) if rng.uniform() < 0.3 else 0.0
    flip = -1.0 if rng.uniform() < 0.5 else 1.0
    slack = max(0.0, scale - 1) * size / 2
    shift = rng.uniform(-slack, slack, 2) if slack > 0 else np.zeros(2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([flip * scale * stretch * scale_x, scale / stretch * scale_y])
    offset = np.array([size / 2, size / 2]) - linear @ np.array([width / 2, height / 2]) + shift
    return np.column_stack([linear, offset])


def warp(pixels: UInt8Array, matrix: Matrix, size: int, border: int = cv2.BORDER_REFLECT_101) -> UInt8Array:
    """Any H x W x C image to size x size x C, averaged where it shrinks by more than 1.5."""
    shrink = 1 / np.sqrt(max(1e-6, abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1.5:
        pixels = cv2.blur(pixels, (int(shrink + 0.5),) * 2)
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border))


def warp_labels(labels: UInt8Array, matrix: Matrix, size: int, width: int, height: int) -> UInt8Array:
    """A class map stretched over a width x height image, warped with the image to size / 4 squared."""
    to_image = np.diag([width / labels.shape[1], height / labels.shape[0], 1.0])
    whole = np.vstack([matrix, [0, 0, 1]])
    combined = (np.diag([0.25, 0.25, 1.0]) @ whole @ to_image)[:2]
    flags, border = cv2.INTER_NEAREST, cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpAffine(labels, combined, (size // 4,) * 2, flags=flags, borderMode=border))


def jitter_colors(rgb: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Brightness, contrast, gamma, tint and saturation; gray at times."""
    table = np.linspace(0, 1, 256)[:, None]
    gains = rng.uniform(0.75, 1.3) * rng.uniform(0.9, 1.1, 3)
    curve = (table ** np.exp(rng.uniform(-0.35, 0.35)) - 0.5) * rng.uniform(0.75, 1.25) + 0.5
    curves = np.clip(curve * gains * 255, 0, 255).astype(np.uint8)
    out = cv2.LUT(rgb, curves.reshape(256, 1, 3))
    draw = rng.uniform()
    if draw < 0.3:
        gray = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        amount = 1.0 if draw < 0.06 else rng.uniform(-0.4, 0.7)
        out = cv2.addWeighted(out, 1 - amount, gray, amount, 0)
    return np.asarray(out)


def degrade(rgb: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Now and then: blur, a small scale and back, noise, JPEG."""
    draw = rng.uniform()
    if draw < 0.08:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.5, 1.8))
    elif draw < 0.14:
        small = cv2.resize(rgb, None, fx=(f := rng.uniform(0.35, 0.8)), fy=f, interpolation=cv2.INTER_AREA)
        rgb = cv2.resize(small, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    elif draw < 0.22:
        noise = rng.normal(0, rng.uniform(2, 14), (64, *rgb.shape[1:])).astype(np.float32)
        noise = np.tile(noise, (-(-rgb.shape[0] // 64), 1, 1))[: rgb.shape[0]]
        rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    if rng.uniform() < 0.2:
        _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))])
        rgb = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return rgb


def composite(front: UInt8Array, alpha: UInt8Array, back: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Front over back; at times with colors, sharpness and edge drawn towards the back, so that a pasted look is no
    clue."""
    if rng.uniform() < 0.5:
        inside = alpha > 127
        if inside.any():
            mean, target = front[inside].mean(0), back.reshape(-1, 3).mean(0)
            shifted = front.astype(np.float32) + (target - mean).astype(np.float32) * np.float32(rng.uniform(0, 0.6))
            front = np.clip(shifted, 0, 255).astype(np.uint8)
    if rng.uniform() < 0.4:
        back = cv2.GaussianBlur(back, (0, 0), rng.uniform(0.6, 2.5))
    weight = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None].astype(np.float32) / 255
    return np.asarray(np.round(front * weight + back * (1 - weight)), np.uint8)
