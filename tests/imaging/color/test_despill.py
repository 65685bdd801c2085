"""Screens told from skies and meadows; their light taken off the rim and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.color.despill import screen_channel, without_spill

SHAPE = (120, 160)


def disc() -> np.ndarray:
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return np.clip(40.5 - np.hypot(rows - 60, columns - 80), 0, 1).astype(np.float32)


def before(background: tuple[int, int, int], noise: float = 4.0) -> np.ndarray:
    """A gray disc before a background, on whose rim the background shines."""
    alpha = disc()[..., None]
    rng = np.random.default_rng(0)
    colors = np.array([130.0, 128, 126]) * alpha + np.array(background) * (1 - alpha)
    return np.clip(colors + rng.normal(0, noise, (*SHAPE, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("background", "channel"),
    [((30, 200, 60), 1), ((20, 60, 190), 2), ((120, 160, 215), None), ((90, 120, 60), None), ((200, 200, 200), None)],
)
def test_screens_are_told_from_skies_and_meadows(background: tuple[int, int, int], channel: int | None) -> None:
    assert screen_channel(before(background), disc()) == channel
    deep = before(background).astype(np.uint16) * 257
    assert screen_channel(deep, disc()) == channel


def test_half_a_screen_is_none() -> None:
    image = before((30, 200, 60))
    image[:60] = 200
    assert screen_channel(image, disc()) is None
    assert screen_channel(image, np.ones(SHAPE, np.float32)) is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_rim_loses_the_screens_light_and_the_inside_keeps_its_green(kind: type) -> None:
    top = 1.0 if kind is np.float32 else np.iinfo(kind).max
    image = np.zeros((*SHAPE, 3), np.float32) + np.array([0.5, 0.7, 0.45])
    typed = (image * top).astype(kind)
    alpha = disc()
    after = without_spill(typed, alpha, 1)
    rim = (alpha > 0) & (alpha < 1)
    assert (after[rim][:, 1] <= after[rim][:, 0] + 1e-6).all()
    assert (after[60, 80] == typed[60, 80]).all()  # deep inside
    assert (after[alpha == 0] == typed[alpha == 0]).all()
    np.testing.assert_array_equal(after[..., [0, 2]], typed[..., [0, 2]])
    assert after.dtype == typed.dtype
