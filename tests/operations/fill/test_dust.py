"""Heal Dust and Scratches: spots go, everything else stays as it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import as_depth, from_array, raster, samples
from backend.operations import Context, OperationError, find
from plugin.client.actions import BY_NAME, ResultKind
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job


def heal(image: Raster, action: str = "fill.dust", **settings: object) -> Raster:
    job = Job(action, BY_NAME[action].check(settings), {"image": image})
    (output,) = find(action)(job, Context())
    assert output.kind is BY_NAME[action].result
    return output.raster


def dusty() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photograph with spots and a scratch on its smooth part, the photograph, and where they are."""
    clean = data.rocket()[:, :260].copy()
    mask = np.zeros(clean.shape[:2], np.uint8)
    rng = np.random.default_rng(1)
    for x, y in zip(rng.integers(10, 250, 40).tolist(), rng.integers(10, 180, 40).tolist(), strict=True):
        cv2.circle(mask, (x, y), int(rng.integers(1, 5)), 1, -1)
    cv2.line(mask, (100, 200), (110, 320), 1, 2)
    return np.where(mask[..., None] > 0, np.uint8([225, 220, 215]), clean), clean, mask > 0


@pytest.mark.parametrize(("channels", "depth"), [("RGB", "u8"), ("BGRA", "u16"), ("RGBA", "f32"), ("Y", "u8")])
def test_dust_goes_and_the_rest_is_bit_identical(channels: str, depth: str) -> None:
    broken, clean, mask = dusty()
    form = PixelFormat(channels, depth)

    def in_format(image: np.ndarray) -> np.ndarray:
        values = as_depth(image if channels[0] == "R" else image[..., ::-1], depth)
        values = values[..., :1] if channels == "Y" else values
        white = as_depth(np.full(mask.shape, 255, np.uint8), depth)
        return np.dstack([values, white]) if form.has_alpha else values

    before = in_format(broken)
    healed = samples(heal(raster(before, form, -3, 8), **{"as": "copy"}))
    found = samples(heal(raster(before, form, -3, 8), "select.dust"))[..., 0] > 0
    assert found[mask].mean() > 0.8
    assert np.array_equal(healed[~found], before[~found])
    error, unhealed = (np.abs(x.astype(float) - in_format(clean))[mask & found].mean() for x in (healed, before))
    assert error < 0.1 * unhealed


def test_the_error_is_no_larger_than_telea_makes() -> None:
    broken, clean, _ = dusty()
    image = from_array(broken)
    found = samples(heal(image, "select.dust"))[..., 0]
    telea = cv2.inpaint(broken, found, 3, cv2.INPAINT_TELEA)
    errors = [
        np.abs(x.astype(float) - clean)[found > 0].mean() for x in (samples(heal(image, **{"as": "copy"})), telea)
    ]
    assert errors[0] <= errors[1]


def test_the_layer_lies_over_the_spots_alone() -> None:
    broken, _, _ = dusty()
    image = from_array(broken, x=5, y=-7)
    layer, found = heal(image), samples(heal(image, "select.dust"))[..., 0] > 0
    x, y = layer.x - 5, layer.y + 7
    alpha = samples(layer)[..., 3]
    assert set(np.unique(alpha)) == {0, 255}
    assert np.array_equal(alpha > 0, found[y : y + layer.height, x : x + layer.width])
    assert BY_NAME["fill.dust"].result is ResultKind.LAYER


def test_nothing_found_is_said() -> None:
    for action in ("fill.dust", "select.dust"):
        with pytest.raises(OperationError) as raised:
            heal(from_array(np.full((60, 80, 3), 128, np.uint8)), action)
        assert raised.value.code is ErrorCode.NOTHING_FOUND
        assert raised.value.message == "No dust was found."
