"""What stands out by its color is found, and nothing where all colors are like the others."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging.masks.distinct import LEAST, SIDE, color_distance, distinct_region
from backend.imaging.masks.regions import bounding_box


def quiet(name: str) -> np.ndarray:
    """H x W x 3 u8, 600 x 900."""
    if name == "moon":
        return np.stack([cv2.resize(data.moon(), (900, 600))] * 3, 2)
    if name == "noise":
        return np.clip(np.random.default_rng(0).normal(128, 20, (600, 900, 3)), 0, 255).astype(np.uint8)
    if name == "gradient":
        return np.repeat(np.linspace(40, 220, 900).astype(np.uint8)[None, :, None], 600, 0).repeat(3, 2)
    return np.full((600, 900, 3), 200, np.uint8)


@pytest.mark.parametrize("name", ["moon", "noise", "gradient", "flat"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_a_small_thing_of_another_color_is_found(name: str, kind: str) -> None:
    image = quiet(name)
    image[400:420, 700:725] = (220, 60, 30)
    typed = {"u1": image, "u2": image.astype(np.uint16) * 257, "f4": (image / 255).astype(np.float32)}[kind]
    distance = color_distance(typed)
    region = distinct_region(distance)
    assert region is not None
    found = bounding_box(region)
    assert found is not None
    for left, size, true_left, true_size in (
        (found.x, found.width, 700, 25),
        (found.y, found.height, 400, 20),
    ):
        assert abs(left - true_left) <= 2 and abs(left + size - true_left - true_size) <= 2
    assert distance[405:415, 705:720].min() > 2 * np.percentile(distance, 99)


@pytest.mark.parametrize("name", ["noise", "gradient", "flat"])
def test_nothing_stands_out_of_an_image_of_one_kind_of_colors(name: str) -> None:
    assert distinct_region(color_distance(quiet(name))) is None


def test_dust_is_not_a_thing() -> None:
    image = quiet("flat")
    image[300, 300] = (220, 60, 30)
    assert (color_distance(image) > 5).sum() < LEAST
    assert distinct_region(color_distance(image)) is None


def test_half_of_an_image_does_not_stand_out_of_it() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[:, 200:] = (255, 0, 0)
    distance = color_distance(image)
    assert max(distance[:, :190].max(), distance[:, 210:].max()) < 1.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (3000, 7)])
def test_any_shape_is_looked_at(shape: tuple[int, int]) -> None:
    distance = color_distance(np.full((*shape, 3), 77, np.uint8))
    assert max(distance.shape) == min(max(shape), SIDE)
    assert not distance.any()


def test_the_most_distinct_of_two_regions_is_taken() -> None:
    image = np.full((400, 600, 3), 128, np.uint8)
    image[50:70, 50:80] = (170, 120, 120)
    image[300:320, 500:530] = (250, 20, 20)
    region = distinct_region(color_distance(image))
    assert region is not None
    found = bounding_box(region)
    assert found is not None and found.x >= 490 and found.y >= 290
