"""Light alone: gains that find exposure and half of a tint, and leave contrast, saturation and colors as they are."""

import numpy as np
import pytest

from backend.imaging.arrays import FloatArray
from backend.imaging.color.gains import LARGEST, TINT, light_gains, relit
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear


@pytest.fixture
def picture() -> FloatArray:
    return np.random.default_rng(0).uniform(0.3, 0.7, (40, 60, 3)).astype(np.float32)


def lit(picture: FloatArray, gain: FloatArray) -> FloatArray:
    """The image with every channel's linear light times a gain."""
    return linear_to_srgb(srgb_to_linear(picture) * gain)


def test_exposure_is_found_and_given_back(picture: FloatArray) -> None:
    gain = np.full(3, 0.6, np.float32)
    gains = light_gains(picture, lit(picture, gain), np.ones(picture.shape[:2], np.float32), 10)
    np.testing.assert_allclose(np.exp(gains), 0.6, atol=0.04)
    np.testing.assert_allclose(relit(picture, gains), lit(picture, gain), atol=0.02)


def test_half_of_a_tint_is_taken_at_the_luminance_of_all_of_it(picture: FloatArray) -> None:
    gain = np.float32([1.3, 1.0, 0.7])
    gains = light_gains(picture, lit(picture, gain), np.ones(picture.shape[:2], np.float32), 10).mean((0, 1))
    assert gains[0] - gains[2] == pytest.approx(TINT * np.log(1.3 / 0.7), rel=0.1)
    luminance = np.float32([0.2126, 0.7152, 0.0722])
    assert gains @ luminance == pytest.approx(np.log(gain) @ luminance, abs=0.02)


def test_lost_contrast_and_color_are_not_taken_over(picture: FloatArray) -> None:
    """A version gray and flat, as bright on the whole: nothing is to be changed."""
    flat = srgb_to_linear(picture).mean((0, 1))
    gains = light_gains(picture, relit(np.ones_like(picture), np.log(flat)), np.ones((40, 60), np.float32), 30)
    assert np.abs(gains).max() < 0.03


def test_only_what_is_masked_counts_and_gains_are_bounded(picture: FloatArray) -> None:
    mask = np.zeros(picture.shape[:2], np.float32)
    mask[:, :20] = 1
    after = np.where(mask[..., None] > 0, picture, 0).astype(np.float32)
    np.testing.assert_allclose(light_gains(picture, after, mask, 3), 0, atol=1e-5)
    black = light_gains(picture, np.zeros_like(picture), mask, 3)
    np.testing.assert_allclose(black[:, :20], -LARGEST, rtol=1e-5)
    assert (light_gains(picture, after, np.zeros_like(mask), 3) == 0).all()


def test_highlights_are_not_cut_off_and_what_is_brighter_than_white_stays() -> None:
    ramp = np.repeat(np.linspace(0, 1.5, 151, dtype=np.float32)[None, :, None], 3, 2)
    brighter = relit(ramp, np.full_like(ramp, 0.7))
    assert (np.diff(brighter[0, :, 0]) > 0).all()
    np.testing.assert_allclose(brighter[0, 100:], ramp[0, 100:], rtol=1e-4)
    assert srgb_to_linear(brighter)[0, 5, 0] == pytest.approx(np.exp(0.7) * srgb_to_linear(ramp)[0, 5, 0], rel=0.02)
