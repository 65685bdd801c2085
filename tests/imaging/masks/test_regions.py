"""Masks behave as selections do in an editor."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.color.spaces import linear_to_srgb, luminance, srgb_to_linear
from backend.imaging.masks.regions import bounding_box, components, feather, grow, guided_filter
from plugin.client.image import Box


def square(size: int = 60, start: int = 20, stop: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[start:stop, start:stop] = 255
    return mask


def test_bounding_box_is_tight_and_none_when_empty() -> None:
    box = bounding_box(square())
    assert box == Box(20, 20, 20, 20)
    assert square()[box.window].all()
    assert bounding_box(np.zeros((4, 5), np.uint8)) is None


def test_padding_stops_at_the_image() -> None:
    assert Box(2, 3, 5, 5).padded(4, (10, 20, 3)) == Box(0, 0, 11, 10)


def test_feather_keeps_the_area_and_softens_the_edge() -> None:
    mask = square().astype(np.float32) / 255
    soft = feather(mask, 3)
    assert soft.sum() == pytest.approx(mask.sum(), rel=1e-3)
    assert 0.4 < soft[30, 20] < 0.6
    assert np.array_equal(feather(mask, 0), mask)
    assert feather(np.full((9, 9), 255, np.uint8), 4).min() == 255


def test_grow_and_shrink_move_the_outline_by_pixels() -> None:
    assert bounding_box(grow(square(), 5)) == Box(15, 15, 30, 30)
    assert bounding_box(grow(square(), -5)) == Box(25, 25, 10, 10)
    assert grow(square(), 5)[15, 15] == 0  # round corners
    assert not grow(square(), -20).any()


def test_shrink_does_not_eat_from_the_border() -> None:
    assert grow(np.full((9, 9), 255, np.uint8), -3).all()
    assert not grow(np.zeros((9, 9), np.uint8), 3).any()


def test_components_largest_first() -> None:
    mask = square()
    mask[0:3, 0:3] = 1
    mask[59, 59] = 9
    assert [int(part.sum()) for part in components(mask)] == [400, 9, 1]
    assert len(components(mask, minimum_area=5)) == 2


def test_guided_filter_moves_a_coarse_edge_to_the_images() -> None:
    image = square().astype(np.float32) / 255
    coarse = np.roll(image, 2, axis=1)
    fitted = guided_filter(image, coarse, radius=4)
    assert np.diff(coarse[30]).argmax() == 21
    assert np.diff(fitted[30]).argmax() == 19  # where the image has its step


def test_srgb_curve_returns_and_mid_gray_is_a_fifth() -> None:
    values = np.linspace(0, 1, 101, dtype=np.float32)
    assert np.allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-5)
    assert luminance(np.full((1, 1, 3), 0.5, np.float32))[0, 0] == pytest.approx(0.214, abs=1e-3)
