"""Images brighter than white: what is selected in them is what is selected in the same image as it is."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.imaging.color.spaces import srgb_to_linear, to_unit
from backend.io.rasters import raster, samples
from backend.operations import Context, find
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

CONTEXT = Context()
SETTINGS: dict[str, dict[str, Value]] = {
    "select.subject": {}, "select.background": {}, "select.class": {"class_name": "person"}, "select.object": {},
    "select.colors": {}, "select.refine": {},
}  # fmt: skip


def selection(action: str, image: Raster) -> np.ndarray:
    """H x W, 0..1: of the astronaut, by a box around her where one is wanted."""
    inputs = {"image": image}
    if action in ("select.object", "select.refine"):
        box = np.zeros((image.height, image.width, 1), np.uint8)
        box[10:500, 30:400] = 255
        inputs["selection"] = raster(box, PixelFormat("Y", "u8"))
    job = Job(action, BY_NAME[action].check(SETTINGS[action]), inputs)
    return to_unit(samples(find(action)(job, CONTEXT)[0].raster)[..., 0])


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("gain", [20.0, 3.0])
@pytest.mark.parametrize("action", SETTINGS)
def test_an_image_many_times_as_bright_is_selected_alike(action: str, gain: float, linear: bool) -> None:
    unit = to_unit(data.astronaut())
    form = PixelFormat("RGB", "f32", linear)
    if linear:
        unit = srgb_to_linear(unit)
    plain = selection(action, raster(unit, form)) > 0.5
    bright = selection(action, raster(unit * np.float32(gain), form)) > 0.5
    assert 0.02 < plain.mean() < 0.98
    assert (plain & bright).sum() / (plain | bright).sum() > 0.95
