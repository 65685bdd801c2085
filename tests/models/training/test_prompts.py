"""Simulated prompts: what a user would draw around or on an object."""

import cv2
import numpy as np
import pytest

from models.training.core.images import bounding_box
from models.training.segmentation.prompts import INSIDE, OUTSIDE, box, lasso, prompt_for, strokes


@pytest.fixture
def mask() -> np.ndarray:
    return cv2.ellipse(np.zeros((120, 160), np.uint8), (70, 60), (35, 20), 30, 0, 360, 255, -1)


@pytest.mark.parametrize("seed", range(8))
def test_boxes_and_lassos_go_around_the_object_and_not_far(mask: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for draw in (box, lasso):
        region = draw(mask, rng) > 127
        inside = np.count_nonzero(region & (mask > 127)) / np.count_nonzero(mask > 127)
        assert inside > 0.85
        assert np.count_nonzero(region) < 3.5 * np.count_nonzero(mask)


@pytest.mark.parametrize("seed", range(8))
def test_strokes_start_inside(mask: np.ndarray, seed: int) -> None:
    drawn = strokes(mask, np.random.default_rng(seed)) > 127
    assert drawn.any()
    assert np.count_nonzero(drawn & (mask > 127)) > 0.5 * np.count_nonzero(drawn)


def test_prompts_say_something_and_outside_strokes_start_off_the_object(mask: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        prompt = prompt_for(mask, rng)
        assert prompt[: INSIDE + 1].any()
        off = (prompt[OUTSIDE] > 127) & (mask <= 127)
        assert np.count_nonzero(off) >= 0.5 * np.count_nonzero(prompt[OUTSIDE])


def test_nothing_meant_is_nothing_prompted() -> None:
    assert not prompt_for(np.zeros((40, 40), np.uint8), np.random.default_rng(0)).any()
    with pytest.raises(ValueError, match="empty"):
        bounding_box(np.zeros((4, 4), bool))


@pytest.mark.parametrize("seed", range(12))
def test_an_object_that_fills_the_image_can_be_prompted(seed: int) -> None:
    assert prompt_for(np.full((40, 50), 255, np.uint8), np.random.default_rng(seed)).any()
