"""The adaptive grid against a direct solve, at a size where most of the mask is far from its outline."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging.poisson.adaptive import AdaptivePoisson
from backend.imaging.poisson.seamless_clone import seamless_clone
from tests.imaging.poisson.test_seamless_clone import direct_clone, gradient_range

HEIGHT, WIDTH = 275, 345
Y, X = np.mgrid[:HEIGHT, :WIDTH]
DISC = ((Y - 137) / 130) ** 2 + ((X - 170) / 165) ** 2 < 1
MASKS = {
    "disc": DISC,
    "disc with a hole": DISC & ~((Y == 128) & (X == 180)),
    "odd sides at the border": (X < 310) & ((X > 40) | (Y > 47)),
    "all but the left column": X > 0,
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_agrees_with_direct_solve(mask: np.ndarray) -> None:
    assert AdaptivePoisson(mask, channels=3).worthwhile
    photographs = (data.astronaut(), data.coffee())
    source, target = ((cv2.resize(image, (WIDTH, HEIGHT)) / 256).astype(np.float32) for image in photographs)
    result = seamless_clone(source, target, mask)
    assert abs(result - direct_clone(source, target, mask, mixed=False)).max() <= 1e-3 * gradient_range(source, target)


def test_masks_that_are_all_outline_are_left_to_the_plain_grid() -> None:
    assert not AdaptivePoisson(X % 5 > 0, channels=3).worthwhile
    assert not AdaptivePoisson(np.zeros_like(DISC), channels=3).worthwhile
