"""Grain measured on shaded and on textured images, and added."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.grain import add_grain, grain_level


@pytest.fixture
def shaded() -> np.ndarray:
    """Smooth shading on the left; strong stripes on the right."""
    rows, columns = np.mgrid[:160, :200] / 200
    image = np.dstack([0.3 + 0.4 * columns, 0.5 + 0.3 * rows, 0.6 - 0.2 * rows])
    image[:, 120:] += 0.2 * np.sin(columns[:, 120:, None] * 400)
    return image.astype(np.float32)


@pytest.mark.parametrize("level", [0.005, 0.02, 0.05])
def test_the_level_that_was_added_is_measured(shaded: np.ndarray, level: float) -> None:
    levels = np.float32(level) * np.array([1, 0.5, 2], np.float32)
    noisy = add_grain(shaded, levels, np.random.default_rng(0))
    measured = grain_level(noisy, np.ones(shaded.shape[:2], bool))
    np.testing.assert_allclose(measured, levels, rtol=0.3, atol=1e-3)


def test_a_clean_image_has_none_and_an_empty_mask_says_nothing(shaded: np.ndarray) -> None:
    assert grain_level(shaded, np.ones(shaded.shape[:2], bool)).max() < 0.002
    assert grain_level(shaded, np.zeros(shaded.shape[:2], bool)).max() == 0
