"""A disc of light, and a background into which the subject does not bleed."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging import Cancelled
from backend.imaging.lens_blur import disc, lens_blur


def test_the_kernel_is_a_disc() -> None:
    kernel = disc(5.0)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[5, 5] == kernel[5, 9] > 0
    assert kernel[0, 0] == 0
    assert 1 / kernel.max() == pytest.approx(np.pi * 25, rel=0.05)


def test_a_point_of_light_becomes_a_disc() -> None:
    image = np.zeros((61, 61, 3), np.float32)
    image[30, 30] = 1
    blurred = lens_blur(image, np.zeros((61, 61), np.float32), 8.0)
    lit = blurred[..., 0] > 0.5 * blurred.max()
    rows, columns = np.nonzero(lit)
    assert np.hypot(rows - 30, columns - 30).max() <= 8.5
    assert lit.sum() == pytest.approx(np.pi * 64, rel=0.15)


@pytest.mark.parametrize("radius", [6.0, 40.0])
def test_the_subjects_colors_do_not_bleed(radius: float) -> None:
    """A red disc with a soft edge on gray: the background stays gray right up to it, and behind its edge."""
    y, x = np.mgrid[:200, :260].astype(np.float32)
    alpha = np.clip((60 - np.hypot(x - 130, y - 100)) / 6 + 0.5, 0, 1)
    gray, red = np.full((200, 260, 3), 0.5, np.float32), np.array([0.9, 0.05, 0.05], np.float32)
    image = alpha[..., None] * red + (1 - alpha[..., None]) * gray
    blurred = lens_blur((image * 255).astype(np.uint8), alpha, radius)
    seen = blurred[(alpha > 0) & (alpha < 1)]
    assert np.abs(seen - 0.5).max() < 0.03
    assert np.abs(blurred[alpha == 0] - 0.5).max() < 0.03
    naive = lens_blur(image, np.zeros_like(alpha), radius)
    assert np.abs(naive[alpha == 0] - 0.5).max() > 0.05


def test_detail_goes() -> None:
    image = np.random.default_rng(0).random((80, 90, 3), np.float32)
    assert lens_blur(image, np.zeros((80, 90), np.float32), 10.0).std() < image.std() / 8


def test_cancel_stops_it() -> None:
    with pytest.raises(Cancelled):
        lens_blur(np.zeros((20, 20, 3), np.float32), np.zeros((20, 20), np.float32), 3.0, lambda: True)
