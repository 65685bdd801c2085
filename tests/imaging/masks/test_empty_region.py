"""Finding the place in an image where something new hides least."""

import numpy as np
import pytest

from backend.imaging.masks.empty_region import empty_place, interest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def scene(rng: np.random.Generator, height: int = 300, width: int = 500) -> np.ndarray:
    """Grain everywhere but in a calm part on the right, and a red thing within reach of it."""
    image = rng.integers(60, 200, (height, width, 3), np.uint8)
    image[40:300, 330:480] = 120
    return image


def test_detail_and_rare_colors_draw_the_eye(rng: np.random.Generator) -> None:
    image = np.full((100, 200, 3), 120, np.uint8)
    image[40:60, 20:40] = (220, 30, 30)
    image[20:80, 120:180] = rng.integers(0, 255, (60, 60, 3), np.uint8)
    found = interest(image)
    scale = found.shape[1] / 200
    red, busy, calm = (found[int(50 * scale), int(x * scale)] for x in (30, 150, 85))
    assert red > 3 * calm
    assert busy > 3 * calm


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_calm_part_is_taken(rng: np.random.Generator, mirrored: bool) -> None:
    image = scene(rng)[:, ::-1] if mirrored else scene(rng)
    x, y = empty_place(image, 120, 200)
    left = 500 - 480 if mirrored else 330
    assert left - 8 <= x <= left + 30 + 8
    assert 32 <= y <= 100


def test_one_that_is_cut_off_below_stands_on_the_border(rng: np.random.Generator) -> None:
    x, y = empty_place(scene(rng), 120, 180, at_bottom=True)
    assert y == 120
    assert 322 <= x <= 368


def test_an_image_without_anything_gets_it_in_the_middle() -> None:
    x, y = empty_place(np.full((200, 300, 3), 90, np.uint8), 100, 80)
    assert abs(x - 100) <= 3
    assert abs(y - 60) <= 3


def test_what_is_larger_than_the_image_sticks_out_evenly_but_not_at_the_bottom() -> None:
    image = np.zeros((50, 60, 3), np.uint8)
    assert empty_place(image, 100, 90) == (-20, -20)
    assert empty_place(image, 100, 90, at_bottom=True) == (-20, -40)
