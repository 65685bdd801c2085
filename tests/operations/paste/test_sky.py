"""Replace Sky: the other sky where the sky is, horizon on horizon; what stands before it as it was, or in its light."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.io.rasters import as_depth, from_array, samples
from backend.operations import Context, OperationError, find
from backend.operations.paste.sky import ALL_SKY, fitted, horizon_row, largest_rectangle, open_sky, relit
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Job

ACTION = BY_NAME["paste.sky"]
MAN = np.repeat(data.camera()[..., None], 3, 2)


def stripes(height: int, width: int) -> np.ndarray:
    """Rows whose red says where they are, columns whose green does."""
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 30)]).astype(np.uint8)


def replaced(
    image: Raster, other: Raster, selection: np.ndarray | None = None, **settings: Value
) -> tuple[Raster, list[str]]:
    context = Context()
    inputs = {"image": image, "sky": other}
    if selection is not None:
        inputs["selection"] = from_array(selection[..., None], x=image.x, y=image.y)
    (output,) = find(ACTION.name)(Job(ACTION.name, ACTION.check(settings), inputs), context)
    return output.raster, context.notes


def test_the_horizon_is_where_the_sky_ends() -> None:
    alpha = np.zeros((100, 50), np.float32)
    alpha[:60] = 1
    alpha[80, 3] = 1  # a puddle
    assert horizon_row(alpha) == 60


@pytest.mark.parametrize("size", [(90, 120), (300, 80), (40, 400)])
@pytest.mark.parametrize("horizon", [20, 60, 95])
def test_a_sky_covers_the_image_and_its_lowest_row_lies_on_the_horizon(size: tuple[int, int], horizon: int) -> None:
    found = fitted(stripes(*size), (100, 150), horizon, mirror=False)
    assert found.shape == (100, 150, 3)
    reds, greens = found[:, 75, 0].astype(int), found[10, :, 1].astype(int)
    assert abs(int(reds.argmax()) - horizon) <= 2 or size[0] == 40
    assert reds[:horizon].max() >= 235 and np.all(np.diff(reds[:horizon]) >= 0)
    assert np.all(np.diff(greens) >= 0)
    assert np.array_equal(fitted(stripes(*size), (100, 150), horizon, mirror=True), found[:, ::-1])


def test_the_other_sky_is_taken_down_to_its_horizon() -> None:
    probability = np.zeros((100, 80), np.float32)
    probability[:40] = 1
    assert open_sky(probability) == 0.4
    probability[20:22, :30] = 0  # the sun, which the network may miss
    assert open_sky(probability) == 0.4
    probability[10:, :20] = 0  # a tower
    assert open_sky(probability) == 0.1


def test_of_a_sky_behind_trees_the_largest_rectangle_is_taken() -> None:
    mask = np.zeros((40, 60), bool)
    assert largest_rectangle(mask)[2:] == (0, 0)
    mask[:20, 10:50] = True
    mask[:30, 20:24] = True
    mask[3, 30] = False  # a bird
    assert largest_rectangle(mask) == (10, 4, 40, 16)
    assert largest_rectangle(np.ones((7, 9), bool)) == (0, 0, 9, 7)


def test_the_selection_is_the_sky_and_the_rest_stays_to_the_bit() -> None:
    selection = np.zeros(MAN.shape[:2], np.uint8)
    selection[:200] = 255
    other = stripes(300, 600)
    result, notes = replaced(from_array(MAN, x=4, y=7), from_array(other), selection, strength=0.0)
    assert result.box == (4, 7, MAN.shape[1], MAN.shape[0])
    pixels = samples(result)
    assert np.array_equal(pixels[200:], MAN[200:])
    assert pixels[150:199, :, 0].min() > pixels[20:60, :, 0].max(), "dark at the top, bright at the horizon"
    assert notes == [ALL_SKY]


def test_what_is_found_is_replaced_and_the_man_stays() -> None:
    result, _ = replaced(from_array(MAN), from_array(stripes(300, 600)), strength=0.0)
    pixels = samples(result).astype(int)
    assert (pixels[20:120, 420:, 2] < 60).mean() > 0.95, "the other sky has hardly any blue"
    assert np.abs(pixels[420:] - MAN[420:]).mean() < 2
    assert np.abs(pixels[150:190, 185:215] - MAN[150:190, 185:215]).mean() < 6


def test_strength_draws_what_stands_before_it_towards_the_new_light() -> None:
    evening = np.zeros((300, 600, 3), np.uint8)
    evening[:] = (150, 60, 30)
    means = []
    for strength in (0.0, 50.0, 100.0):
        result, _ = replaced(from_array(MAN), from_array(evening), strength=strength)
        means.append(samples(result)[420:].reshape(-1, 3).mean(0))
    assert means[0].sum() > means[1].sum() > means[2].sum(), "darker"
    reds = [mean[0] - mean[2] for mean in means]
    assert reds[0] < reds[1] < reds[2]


def test_the_same_sky_again_changes_no_light() -> None:
    alpha = np.zeros(MAN.shape[:2], np.float32)
    alpha[:200] = 1
    assert np.abs(relit(MAN, MAN, MAN, alpha, 1.0).astype(int) - MAN).max() <= 1


@pytest.mark.parametrize("depth", ["u16", "f32"])
def test_depths_come_back_as_they_were(depth: str) -> None:
    image = from_array(as_depth(MAN, depth))
    selection = np.zeros(MAN.shape[:2], np.uint8)
    selection[:200] = 255
    result, _ = replaced(image, from_array(stripes(300, 600)), selection, strength=0.0)
    assert result.format.depth == depth
    plain, _ = replaced(from_array(MAN), from_array(stripes(300, 600)), selection, strength=0.0)
    assert np.abs(as_depth(samples(result), "u8").astype(int) - samples(plain)).max() <= 2


def test_without_a_sky_nothing_is_replaced() -> None:
    with pytest.raises(OperationError) as raised:
        replaced(from_array(data.coffee()), from_array(stripes(300, 600)))
    assert raised.value.code is ErrorCode.NOTHING_FOUND and raised.value.message == "No sky was found."
