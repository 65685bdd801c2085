"""Image files as training reads them: 8 bits, RGB, turned as their EXIF data say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.core.arrays import BoolArray, UInt8Array
from plugin.client.long_paths import system_path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


def bounding_box(mask: BoolArray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (exclusive) of the true pixels of a mask, H x W. Raises ValueError where there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise ValueError("the mask is empty")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def list_images(folder: Path) -> list[Path]:
    """The files of a folder that by their names are images, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def read_rgb(path: Path) -> UInt8Array:
    """H x W x 3. Raises ValueError on what is no image."""
    return np.asarray(cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def read_gray(path: Path) -> UInt8Array:
    """H x W. Raises ValueError on what is no image."""
    return _decode(path, cv2.IMREAD_GRAYSCALE)


def read_rgba(path: Path) -> UInt8Array:
    """H x W x 4; alpha is 0 where the file has none. Raises ValueError on what is no image."""
    rgb, raw = read_rgb(path), _decode(path, cv2.IMREAD_UNCHANGED)
    if raw.ndim == 3 and raw.shape[2] == 4 and raw.shape[:2] == rgb.shape[:2]:
        alpha = raw[..., 3] if raw.dtype == np.uint8 else (raw[..., 3] / np.float32(257)).round()
        return np.dstack([rgb, alpha.astype(np.uint8)])
    return np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])


def resized(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """To (width, height): averaged where it shrinks, cubic where it grows."""
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=interpolation), np.uint8)


def _decode(path: Path, flags: int) -> NDArray[np.uint8]:
    data = np.frombuffer(system_path(path).read_bytes(), np.uint8)  # OpenCV itself cannot open every path on Windows
    try:
        raw = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        raw = None
    if raw is None:
        raise ValueError(f"{path}: cannot be decoded as an image")
    return np.asarray(raw)
