"""White stays light, night stays dark and a slope stays smooth in every style."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from backend.io.rasters import from_array, raster, samples
from backend.operations import Context, find
from models.zoo.style_presets import PRESETS
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

CONTEXT = Context()


def stylized(image: np.ndarray, style: str, **settings: Value) -> np.ndarray:
    given: Raster = from_array(image) if image.dtype == np.uint8 else raster(image, PixelFormat("RGB", "f32"))
    values = BY_NAME["style.preset"].check({"style": style, **settings})
    (output,) = find("style.preset")(Job("style.preset", values, {"image": given}), CONTEXT)
    return samples(output.raster)


@pytest.mark.parametrize("style", PRESETS)
def test_large_tones_and_smooth_slopes_survive(style: str) -> None:
    paper = np.full((64, 96, 3), 255, np.uint8)
    assert stylized(paper, style).mean() > 190
    night = (data.astronaut()[:96, 160:288] // 12).astype(np.uint8)
    assert stylized(night, style).mean() < 110
    slope = np.linspace(60, 220, 96).astype(np.uint8)[:, None, None].repeat(96, 1).repeat(3, 2)
    rows = stylized(slope, style).astype(float).mean((1, 2))
    assert np.abs(np.diff(rows)).max() < 25


def test_without_it_tones_are_the_styles_own() -> None:
    paper = np.full((64, 96, 3), 255, np.uint8)
    assert stylized(paper, "wave", preserve_tones=0).mean() < 190


def test_strokes_have_the_same_size_at_every_resolution_unless_counted_in_pixels() -> None:
    from backend.operations.style.network import REFERENCE, stroke_size

    large, small = np.zeros((4, 2 * REFERENCE, 3), np.uint8), np.zeros((4, 100, 3), np.uint8)
    settings = BY_NAME["style.preset"].check({"stroke": 150})
    assert stroke_size(settings, large) == pytest.approx(3)
    assert stroke_size(settings, small) == pytest.approx(1.5)
    assert stroke_size(settings | {"stroke_unit": "pixels"}, large) == pytest.approx(1.5)


@pytest.mark.parametrize("gain", [20.0, 3.0])
def test_what_is_brighter_than_white_is_stylized_as_if_exposed_and_stays_so_bright(gain: float) -> None:
    image = to_unit(data.astronaut()[:128, 160:288])
    bright = linear_to_srgb(srgb_to_linear(image) * np.float32(gain))
    found = srgb_to_linear(stylized(bright, "wave")) / gain
    wanted = srgb_to_linear(stylized(image, "wave"))
    assert found.max() * gain > 1.5
    assert np.abs(np.minimum(found, 1) - wanted).mean() < 0.08
