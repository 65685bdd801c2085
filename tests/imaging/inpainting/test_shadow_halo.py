"""What an object leaves beside its selection is told from what is only there."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.inpainting.shadow_halo import shadow_halo_mask


def street(scale: int = 1) -> tuple[FloatArray, BoolArray, BoolArray]:
    """A wall, ground with grain, and a car's shadow below a hole that ends at its body: image, hole, shadow."""
    height, width = 160, 240
    grain = np.random.default_rng(5).normal(0, 0.02, (height, width, 3))
    image = grain + np.where(np.arange(height)[:, None, None] < 100, 0.75, 0.5)
    shadow = np.zeros((height, width), bool)
    shadow[118:126, 90:150] = True
    image[shadow] -= 0.35
    hole = np.zeros_like(shadow)
    hole[70:118, 80:160] = True
    large = (np.repeat(np.repeat(a, scale, 0), scale, 1) for a in (image.astype(np.float32), hole, shadow))
    large_image, large_hole, large_shadow = large
    return large_image, large_hole, large_shadow


@pytest.mark.parametrize("scale", [1, 5])
def test_a_shadow_is_found_and_little_else(scale: int) -> None:
    image, hole, shadow = street(scale)
    found = shadow_halo_mask(image, hole, ~hole)
    assert found[shadow].mean() > 0.98
    assert not (found & hole).any()
    assert np.count_nonzero(found & ~shadow) < 0.6 * np.count_nonzero(shadow)  # its soft edge


def test_without_a_shadow_nothing_is_found() -> None:
    image, hole, shadow = street()
    image[shadow] += 0.35
    assert not shadow_halo_mask(image, hole, ~hole).any()


def test_what_goes_on_outwards_is_none() -> None:
    """A dark line of trees that the object stands before, and a post beside it that is farther than its shadow."""
    image, hole, shadow = street()
    image[shadow] += 0.35
    image[85:100] -= 0.5
    image[:, 175:180] = 0.1
    assert not shadow_halo_mask(image, hole, ~hole).any()


@pytest.mark.parametrize("color", [0.1, 0.95])
def test_another_thing_beside_the_hole_is_none(color: float) -> None:
    """It touches the hole and is as wide farther away: hair below a hat that is to go."""
    image, hole, shadow = street()
    image[shadow] += 0.35
    image[110:150, 100:140] = color
    assert not shadow_halo_mask(image, hole, ~hole).any()


def test_a_dark_spot_that_does_not_touch_is_none() -> None:
    image, hole, shadow = street()
    image[shadow] += 0.35
    image[124:128, 100:110] = 0.1
    assert not shadow_halo_mask(image, hole, ~hole).any()


def test_what_is_not_known_is_left_alone() -> None:
    image, hole, shadow = street()
    known = ~hole & ~shadow
    image[~known] = np.nan
    found = shadow_halo_mask(image, hole, known)
    assert not (found & ~known).any()


def test_without_a_hole_or_surroundings_there_is_nothing_to_find() -> None:
    image, hole, _ = street()
    assert not shadow_halo_mask(image, np.zeros_like(hole), ~hole).any()
    assert not shadow_halo_mask(image, ~np.zeros_like(hole), np.zeros_like(hole)).any()
