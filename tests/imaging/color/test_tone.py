"""Exposure, saturation, temperature; the colors of one image with the light of another."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.color.spaces import luminance, srgb_to_linear
from backend.imaging.color.tone import Tone, toned, with_colors_of

IMAGE = np.random.default_rng(0).uniform(0.1, 0.7, (12, 10, 3)).astype(np.float32)


def test_a_neutral_tone_changes_nothing() -> None:
    assert toned(IMAGE, Tone()) is IMAGE


def test_a_stop_is_twice_the_light() -> None:
    dark = IMAGE * np.float32(0.6)
    assert np.allclose(srgb_to_linear(toned(dark, Tone(exposure=1))), 2 * srgb_to_linear(dark), atol=1e-4)


def test_gray_keeps_the_luminance() -> None:
    gray = toned(IMAGE, Tone(saturation=-1))
    assert np.ptp(gray, axis=2).max() < 1e-5
    assert np.allclose(luminance(gray), luminance(IMAGE), atol=1e-4)


@pytest.mark.parametrize("temperature", [-1.0, 1.0])
def test_temperature_moves_white_between_red_and_blue(temperature: float) -> None:
    white = np.full((1, 1, 3), 0.5, np.float32)
    red, _, blue = toned(white, Tone(temperature=temperature))[0, 0]
    assert (red - blue) * temperature > 0.05
    assert luminance(toned(white, Tone(temperature=temperature))) == pytest.approx(luminance(white), rel=1e-3)


def test_colors_of_one_with_the_light_of_another() -> None:
    painted = np.clip(IMAGE[::-1] * 0.5 + 0.2, 0, 1)
    result = with_colors_of(IMAGE, painted)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.allclose(result @ luma, painted @ luma, atol=0.12)  # but for what is cut at black and white
    assert np.allclose((result[..., 0] - result[..., 1]), (IMAGE[..., 0] - IMAGE[..., 1]), atol=0.12)
    assert np.allclose(with_colors_of(IMAGE, IMAGE), IMAGE)
