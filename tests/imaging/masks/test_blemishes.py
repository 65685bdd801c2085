"""Dust and scratches are found, and texture, edges and what is larger are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging import Cancelled
from backend.imaging.masks.blemishes import blemishes


def slope(grain: float = 1.5, height: int = 300, width: int = 400) -> np.ndarray:
    """A sky with a little grain, of so many levels."""
    ground = np.linspace(90, 190, height)[:, None] + np.random.default_rng(0).normal(0, grain, (height, width))
    return np.rint(ground).astype(np.uint8)


SPOTS = [(x, y) for x in range(30, 390, 60) for y in range(30, 290, 60)]


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("diameter", [2, 4, 8, 12])
def test_spots_of_all_sizes_are_found_and_nothing_beside_them(diameter: int, bright: bool) -> None:
    image, truth = slope(), np.zeros((300, 400), np.uint8)
    for x, y in SPOTS:
        cv2.ellipse(truth, (x, y), (diameter // 2, diameter // 2), 0, 0, 360, 1, -1)
    image = np.where(truth > 0, np.clip(image + (60.0 if bright else -60.0), 0, 255), image).astype(np.uint8)
    found = blemishes(image)
    assert found[truth > 0].mean() > 0.95
    assert not found[cv2.dilate(truth, np.ones((9, 9), np.uint8)) == 0].any()


@pytest.mark.parametrize(("grain", "sensitivity"), [(0.0, 50), (1.5, 100)])
def test_a_straight_scratch_is_found_whatever_its_length_and_direction(grain: float, sensitivity: float) -> None:
    image = slope(grain)
    truth = np.zeros_like(image)
    cv2.line(truth, (40, 20), (60, 280), 1, 2)
    cv2.line(truth, (120, 200), (370, 60), 1, 1)
    found = blemishes(np.where(truth > 0, 235, image).astype(np.uint8), sensitivity)
    assert found[truth > 0].mean() > 0.9


def test_what_is_wider_is_left_unless_it_is_asked_for() -> None:
    image = slope()
    cv2.circle(image, (200, 150), 10, 20, -1)
    assert not blemishes(image).any()
    assert blemishes(image, widest=24)[150, 200]


def test_more_sensitivity_finds_fainter_spots() -> None:
    image = slope()
    faint = image.astype(np.float32)
    for x, y in SPOTS:
        cv2.circle(faint, (x, y), 3, float(image[y, x]) - 25, -1)
    image = faint.astype(np.uint8)
    found = [blemishes(image, sensitivity) for sensitivity in (0, 50, 100)]
    counts = [sum(bool(mask[y, x]) for x, y in SPOTS) for mask in found]
    assert counts[0] < len(SPOTS) / 4 and counts[2] == len(SPOTS)
    assert counts[0] <= counts[1] <= counts[2]


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_texture_is_not_eaten(name: str) -> None:
    image: np.ndarray = getattr(data, name)()
    assert blemishes(image).mean() < 0.001


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "astronaut"])
def test_hardly_anything_is_found_in_a_photograph_without_dust(name: str) -> None:
    image = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
    assert blemishes(image).mean() < 0.003


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 5), (64, 64)])
def test_one_color_has_no_dust(size: tuple[int, int], value: int) -> None:
    assert not blemishes(np.full(size, value, np.uint8), 100).any()


def test_it_stops_when_it_is_told_to() -> None:
    with pytest.raises(Cancelled):
        blemishes(slope(), cancelled=lambda: True)
