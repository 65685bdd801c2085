"""Strokes that correct a selection, or say what is meant without one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import from_array, raster, samples
from backend.operations import Context, OperationError, find
from backend.operations.selection.strokes import strokes_on
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

CONTEXT = Context()
BOTH = np.hstack([data.astronaut()[:300, 80:400], data.chelsea()])
FACE, FUR = (145, 120), (460, 170)  # x and y
GREEN, RED = (0, 200, 0, 255), (230, 0, 0, 255)
RGBA = PixelFormat("RGBA", "u8")
Dots = list[tuple[tuple[int, int], tuple[int, int, int, int]]]


def painted(dots: Dots, shape: tuple[int, ...] = BOTH.shape) -> Raster:
    canvas = np.zeros((*shape[:2], 4), np.uint8)
    for point, color in dots:
        cv2.circle(canvas, point, 8, color, -1)
    return raster(canvas, RGBA)


def mask(dots: Dots, before: np.ndarray | None = None, image: np.ndarray = BOTH, **settings: Value) -> np.ndarray:
    action = BY_NAME["select.strokes"]
    inputs = {"image": from_array(image), "strokes": painted(dots, image.shape)}
    if before is not None:
        inputs["selection"] = from_array(before)
    (output,) = find(action.name)(Job(action.name, action.check(settings), inputs), CONTEXT)
    return samples(output.raster)[..., 0]


def test_red_drops_and_any_other_color_keeps() -> None:
    layer = from_array(np.zeros((40, 64, 3), np.uint8), x=5, y=7)
    canvas = np.zeros((40, 64, 4), np.uint8)
    colors = [(0, 255, 0), (255, 255, 255), (0, 0, 0), (30, 60, 250), (255, 200, 0), (255, 0, 0), (200, 40, 60)]
    for number, color in enumerate(colors):
        canvas[:, 8 * number : 8 * number + 8] = (*color, 255)
    keep, drop = strokes_on(raster(canvas, RGBA, 5, 7), layer)
    kinds = ["keep" if keep[20, 8 * n + 4] else "drop" if drop[20, 8 * n + 4] else "" for n in range(8)]
    assert kinds == ["keep"] * 5 + ["drop"] * 2 + [""]
    bgra = raster(canvas[..., [2, 1, 0, 3]], PixelFormat("BGRA", "u8"), 5, 7)
    assert all((one == other).all() for one, other in zip(strokes_on(bgra, layer), (keep, drop), strict=True))
    shifted, _ = strokes_on(raster(canvas, RGBA, 15, 7), layer)
    assert (shifted[:, 10:18] == keep[:, :8]).all()


def test_strokes_alone_mean_one_of_two() -> None:
    for inside, outside in ((FACE, FUR), (FUR, FACE)):
        found = mask([(inside, GREEN), (outside, RED)])
        assert found[inside[1], inside[0]] == 255 and found[outside[1], outside[0]] == 0
        assert 0.08 < (found > 127).mean() < 0.55


def test_what_no_stroke_asks_for_stays_bit_identical() -> None:
    before = np.zeros(BOTH.shape[:2], np.uint8)
    before[60:260, 380:580] = 255  # a box on the cat
    before[10:60, 700:760] = 90  # and something soft elsewhere
    found = mask([(FACE, GREEN)], before)
    assert found[FACE[1], FACE[0]] == 255
    assert found[60:180, 100:190].mean() > 200  # all of her head comes with the stroke on her face
    np.testing.assert_array_equal(found[:, 620:], before[:, 620:])
    assert (found[80:240, 400:560] == 255).all()


def test_a_selection_that_is_right_already_stays() -> None:
    action = BY_NAME["select.object"]
    box = np.zeros(BOTH.shape[:2], np.uint8)
    box[2:298, 5:310] = 255
    job = Job(action.name, action.check({}), {"image": from_array(BOTH), "selection": from_array(box)})
    (first,) = find(action.name)(job, CONTEXT)
    person = samples(first.raster)[..., 0]
    found = mask([(FACE, GREEN), (FUR, RED)], person)
    assert np.abs(found.astype(int) - person).mean() < 1


def test_strokes_are_obeyed_where_colors_alone_can_tell() -> None:
    """Two gray stripes of one object: the network would take both."""
    image = np.full((200, 300, 3), 230, np.uint8)
    image[40:160, 60:140], image[40:160, 160:240] = (30, 60, 160), (150, 40, 30)
    before = np.zeros((200, 300), np.uint8)
    before[40:160, 60:240] = 255
    found = mask([((100, 100), GREEN), ((200, 100), RED)], before, image)
    assert found[60:140, 70:130].mean() > 240
    assert found[60:140, 170:230].mean() < 25


def test_nothing_painted_is_refused_with_what_to_do() -> None:
    for dots in ([], [(FUR, RED)]):
        with pytest.raises(OperationError, match="stroke") as caught:
            mask(dots)
        assert "red" in caught.value.remedy
