"""Foreground colors of composites whose foreground is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.imaging import Cancelled
from backend.imaging.matting.foreground import estimate_both, estimate_foreground


def soft_disc(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.clip(0.5 + (0.3 * height - np.hypot(x - width / 2, y - height / 2)) / 12, 0, 1)


def smooth_colors(height: int, width: int, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).random((4, 5, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def composite(front: np.ndarray, back: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return alpha[..., None] * front + (1 - alpha[..., None]) * back


def test_constant_colors_are_found_exactly() -> None:
    alpha = soft_disc(120, 160)
    red, blue = np.float32([0.9, 0.2, 0.1]), np.float32([0.1, 0.3, 0.8])
    image = composite(np.broadcast_to(red, (120, 160, 3)), np.broadcast_to(blue, (120, 160, 3)), alpha)
    color = estimate_foreground(image, alpha)
    assert np.abs(color - red)[alpha > 0.05].max() < 0.02
    front, back = estimate_both(image, alpha)
    assert np.abs(composite(front, back, alpha) - image).max() < 0.01
    assert np.abs(back - blue)[alpha < 0.95].max() < 0.02


@pytest.mark.parametrize("size", [(300, 400), (1500, 2000)])
def test_changing_colors_are_found_within_a_few_levels(size: tuple[int, int]) -> None:
    alpha, front, back = soft_disc(*size), smooth_colors(*size, 1), smooth_colors(*size, 2)
    image = composite(front, back, alpha)
    mixed = (alpha > 0.02) & (alpha < 0.98)
    error = np.abs(estimate_foreground(image, alpha) - front)[mixed] * alpha[mixed][:, None]
    halo = np.abs(image - front)[mixed] * alpha[mixed][:, None]
    assert error.mean() < 0.012
    assert error.mean() < 0.3 * halo.mean()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_known_pixels_and_type_stay(dtype: type) -> None:
    alpha = soft_disc(90, 110)
    mixed = composite(smooth_colors(90, 110, 3), smooth_colors(90, 110, 4), alpha)
    image = (mixed * np.iinfo(dtype).max).astype(dtype)
    color = estimate_foreground(image, alpha)
    assert color.dtype == dtype
    known = (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(color[known], image[known])
    assert (color != image).any()


def test_cancel_and_shapes() -> None:
    alpha, image = soft_disc(40, 50), smooth_colors(40, 50, 0)
    with pytest.raises(Cancelled):
        estimate_foreground(image, alpha, cancelled=lambda: True)
    with pytest.raises(ValueError, match="H x W x 3"):
        estimate_foreground(image, alpha[:10])
