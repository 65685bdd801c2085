"""Select Sky: the sky and nothing else, through thin things too, and none where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import from_array, samples
from backend.operations import Context, OperationError, find
from plugin.client.actions import BY_NAME, Value
from plugin.client.messages import ErrorCode, Job

CONTEXT = Context()
ACTION = BY_NAME["select.sky"]
WITHOUT = {
    "cup": data.coffee, "cat": data.chelsea, "portrait": data.astronaut, "bricks": data.brick,
    "coins": data.coins, "grass": data.grass, "white": lambda: np.full((200, 300, 3), 255, np.uint8),
}  # fmt: skip
"""Images without a sky, bright at the top some of them."""


def sky(image: np.ndarray, **settings: Value) -> np.ndarray:
    image = np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image
    job = Job(ACTION.name, ACTION.check(settings), {"image": from_array(image, x=3, y=-5)})
    (output,) = find(ACTION.name)(job, CONTEXT)
    assert output.raster.box == (3, -5, image.shape[1], image.shape[0])
    return samples(output.raster)[..., 0]


def test_the_sky_is_selected_and_not_what_stands_before_it() -> None:
    """The camera man on his meadow."""
    found = sky(data.camera())
    assert found[20:120, 20:100].min() > 240 and found[20:150, 400:].mean() > 240
    assert found[400:].mean() < 10
    assert found[120:200, 180:220].max() < 15, "his head and his coat"


@pytest.mark.parametrize("high_quality", [False, True])
def test_a_mast_before_the_sky_is_left_out(high_quality: bool) -> None:
    image = cv2.resize(np.asarray(data.camera()), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    cv2.rectangle(image, (860, 100), (867, 640), 25, -1)
    found = sky(image, high_quality=high_quality)
    assert np.median(found[120:340, 862:866]) < 100
    assert found[120:340, 830:846].mean() > 200 and found[120:340, 882:898].mean() > 200


@pytest.mark.parametrize("name", WITHOUT)
def test_where_there_is_no_sky_none_is_found(name: str) -> None:
    with pytest.raises(OperationError) as raised:
        sky(WITHOUT[name]())
    assert raised.value.code is ErrorCode.NOTHING_FOUND
    assert raised.value.message == "No sky was found."
    assert raised.value.remedy


def test_depths_and_settings_are_those_of_every_selection() -> None:
    image = np.repeat(data.camera()[..., None], 3, 2)
    plain = sky(image)
    deep = sky(image.astype(np.uint16) * 257)
    assert np.abs(plain.astype(int) - deep).mean() < 1
    assert (sky(image, grow=-20) > 127).mean() < (plain > 127).mean() - 0.02
    hard = sky(image, edge="hard")
    assert np.count_nonzero((hard > 5) & (hard < 250)) < np.count_nonzero((plain > 5) & (plain < 250))
