"""Holes are opened where the background is surely seen through them, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.imaging.downsample import reduced
from backend.imaging.masks.open_holes import may_have_holes, open_holes

SIDE = 160


def scene(hole: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plate before gravel with something in its middle; the image, what a network may think of it, the middle."""
    image = np.stack([reduced(np.ascontiguousarray(data.gravel()), (SIDE, SIDE))] * 3, 2)
    image = (image * [0.5, 1.0, 0.5]).astype(np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    plate, middle = np.hypot(x, y) < 60, np.hypot(x, y) < 35
    background = image.copy()
    image[plate] = (210, 150, 50)
    if hole == "open" or hole == "painted":
        image[middle] = background[middle]
    elif hole == "other":
        image[middle] = (60, 60, 200)
    doubt = 0.98 if hole == "painted" else 0.65
    probability = np.where(plate, 0.99, 0.01).astype(np.float32)
    probability[middle] = doubt
    return image, probability, middle


@pytest.mark.parametrize(("hole", "is_open"), [("open", True), ("painted", False), ("other", False)])
def test_a_hole_is_opened_where_color_and_doubt_agree(hole: str, is_open: bool) -> None:
    image, probability, middle = scene(hole)
    found = open_holes(image, probability)
    inner = found[middle]
    assert (inner < 0.5).mean() > 0.9 if is_open else np.array_equal(found, probability)
    assert (
        np.array_equal(found[~middle], probability[~middle]) or (found[~middle] != probability[~middle]).mean() < 0.02
    )


def test_by_color_alone_the_networks_word_does_not_count() -> None:
    image, probability, middle = scene("painted")
    assert (open_holes(image, probability, sure=2)[middle] < 0.5).mean() > 0.9


def test_an_object_that_fills_the_image_has_no_background_to_compare_with() -> None:
    image, _, _ = scene("open")
    everything = np.ones((SIDE, SIDE), np.float32)
    assert np.array_equal(open_holes(image, everything), everything)


@pytest.mark.parametrize("doubt", [0.05, 0.3, 0.65, 0.85, 0.89])
@pytest.mark.parametrize("radius", [6, 12, 35, 50])
def test_no_hole_is_missed_by_the_look_without_colors(radius: int, doubt: float) -> None:
    image, _, _ = scene("open")
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    probability = np.where(np.hypot(x, y) < 60, 0.99, 0.01).astype(np.float32)
    probability[np.hypot(x, y) < radius] = doubt
    changed = not np.array_equal(open_holes(image, probability), probability)
    assert may_have_holes(probability) or not changed


def test_a_solid_object_is_not_searched_for_holes() -> None:
    _, probability, _ = scene("painted")
    assert not may_have_holes(probability)
    assert may_have_holes(probability, sure=2)
