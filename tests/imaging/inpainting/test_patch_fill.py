"""Filling holes with patches: what must hold for any image, and what the user would expect of regular ones."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from backend.imaging import Cancelled, Execution
from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.inpainting import patch_fill
from backend.imaging.inpainting.config import InpaintingConfig
from backend.imaging.inpainting.patch_fill import inpaint
from backend.imaging.inpainting.patchmatch import Sources
from backend.imaging.inpainting.pyramid import Level


def disc(height: int, width: int, y: float, x: float, radius: float) -> BoolArray:
    rows, columns = np.ogrid[:height, :width]
    mask: BoolArray = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return mask


def checks(height: int, width: int, side: int, grain: float = 0.01) -> FloatArray:
    """A board in two colors with a little grain."""
    y, x = np.mgrid[:height, :width] // side
    board = np.where(((y + x) % 2)[..., None], [0.8, 0.7, 0.5], [0.2, 0.3, 0.4])
    noise = np.random.default_rng(0).normal(0, grain, board.shape)
    return (board + noise).astype(np.float32)


def noise(height: int, width: int) -> FloatArray:
    return np.random.default_rng(1).uniform(0, 1, (height, width, 3)).astype(np.float32)


def test_outside_of_the_hole_nothing_changes_by_a_bit() -> None:
    image, hole = noise(60, 80), disc(60, 80, 30, 40, 9)
    image[0, 0] = [-0.5, 1.5, 7.0]  # floats may leave 0..1
    before = image.copy()
    filled = inpaint(image, hole)
    assert (filled[~hole] == before[~hole]).all()
    assert (image == before).all()
    assert (filled[hole] != before[hole]).any()


def test_nothing_of_what_is_in_the_hole_shows_in_the_fill() -> None:
    image, hole = noise(60, 80), disc(60, 80, 30, 40, 12)
    other = image.copy()
    other[hole] = 0.123
    assert (inpaint(image, hole) == inpaint(other, hole)).all()


@pytest.mark.parametrize(("y", "x", "radius"), [(48, 64, 20), (10, 64, 16), (94, 126, 20)])
def test_a_regular_pattern_goes_on_in_phase(y: int, x: int, radius: int) -> None:
    """Also where the hole touches a side or a corner of the image."""
    image, hole = checks(96, 128, 8), disc(96, 128, y, x, radius)
    error = np.abs(inpaint(image, hole) - image)[hole]
    assert error.mean() < 0.03
    assert (error.max(axis=1) < 0.2).mean() > 0.97


def test_stripes_go_on_through_several_holes() -> None:
    ramp = np.sin(np.arange(128) * 2 * np.pi / 16)[None, :, None]
    image = np.broadcast_to(0.5 + 0.4 * ramp, (96, 128, 3)).astype(np.float32)
    hole = disc(96, 128, 30, 30, 12) | disc(96, 128, 60, 90, 15) | disc(96, 128, 80, 20, 3)
    assert np.abs(inpaint(image, hole) - image)[hole].mean() < 0.02


def test_a_slope_of_light_goes_on_without_a_step() -> None:
    """A sky: no place has the color of any other, so that every patch is a little too bright or too dark."""
    y, x = np.mgrid[:120, :160].astype(np.float32)
    image = 0.4 + 0.08 * np.dstack([x / 160, 0.5 * x / 160 + 0.5 * y / 120, y / 120]).astype(np.float32)
    hole = disc(120, 160, 60, 80, 25)
    filled = inpaint(image, hole)
    assert np.abs(np.diff(filled, axis=1)).max() < 0.004
    assert np.abs(filled - image)[hole].mean() < 0.005


def test_a_pattern_goes_on_through_a_change_of_light() -> None:
    """No patch of it is as bright as the place that it goes to."""
    image = checks(96, 128, 8, grain=0) * np.linspace(0.4, 1, 128, dtype=np.float32)[None, :, None]
    hole = disc(96, 128, 48, 64, 20)
    with_gain, without = (
        float(np.abs(inpaint(image, hole, config=InpaintingConfig(gain=gain)) - image)[hole].mean())
        for gain in (InpaintingConfig().gain, 1.0001)
    )
    assert with_gain < 0.007
    assert with_gain < 0.8 * without


def test_only_the_sampling_area_is_copied() -> None:
    image = np.full((80, 120, 3), [0.1, 0.1, 0.9], np.float32)
    image[:, 60:] = [0.9, 0.2, 0.1]
    hole, right = disc(80, 120, 40, 30, 10), np.zeros((80, 120), bool)
    right[:, 70:] = True
    red = inpaint(image, hole, right)[disc(80, 120, 40, 30, 5)]
    assert (red[:, 0] > 0.8).all()
    assert (red[:, 2] < 0.2).all()
    blue = inpaint(image, hole, ~right)[hole]
    assert np.abs(blue - image[0, 0]).max() < 0.01


def test_a_guide_decides_between_two_textures() -> None:
    image = np.full((80, 120, 3), 0.2, np.float32)
    image[:, 60:] = 0.8
    hole = disc(80, 120, 40, 60, 16)
    for level in (0.2, 0.8):
        guide = np.where(hole[..., None], np.float32(level), image)
        filled = inpaint(image, hole, guide=guide, config=InpaintingConfig(guide_weight=1.0))
        assert abs(float(filled[disc(80, 120, 40, 60, 8)].mean()) - level) < 0.1


def test_a_smooth_guide_does_not_make_the_fill_smooth() -> None:
    """An estimate is without texture; beside the grain there is a place as smooth as it."""
    grain = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 0.3, (120, 160)), (0, 0), 1.0)
    grain[:, :40] *= 0.1
    image, hole = np.repeat(0.5 + grain[..., None], 3, 2).astype(np.float32), disc(120, 160, 60, 100, 24)
    guide = np.where(hole[..., None], np.float32(0.5), image)
    filled = inpaint(image, hole, guide=guide, config=InpaintingConfig(guide_weight=1.0))
    assert filled[hole].std() > 0.7 * grain[:, 60:].std()


def test_what_is_used_often_becomes_dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hole is filled from more table_indices."""
    image, hole = noise(90, 120), disc(90, 120, 45, 60, 16)
    found: list[int] = []

    def count(filled: Tensor, source_indices: Tensor, *_: object) -> Tensor:
        found.append(len(source_indices.unique()))
        return filled

    monkeypatch.setattr(patch_fill, "remove_seams", count)
    for repetition in (0.0, 0.3, 3.0):
        inpaint(image, hole, config=InpaintingConfig(repetition=repetition, coherence=0.0, context_weight=0.0))
    assert found == sorted(found)
    assert found[0] < 0.9 * found[-1]


def test_a_fill_has_the_texture_of_its_surroundings() -> None:
    """Grain as of a road, which the means of many patches would wash out."""
    grain = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 0.3, (200, 200)), (0, 0), 0.6)
    image = np.repeat(0.5 + grain[..., None], 3, 2).astype(np.float32)
    hole = disc(200, 200, 100, 100, 50)
    loose, coherent = (inpaint(image, hole, config=InpaintingConfig(coherence=c))[hole].std() for c in (0.0, 0.3))
    assert coherent > 1.04 * loose
    assert coherent > 0.9 * image[~hole].std()


def test_another_thing_beside_the_hole_does_not_come_again_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that has nothing in common with what touches the hole is dear."""
    rng = np.random.default_rng(8)
    image = (0.5 + rng.normal(0, 0.05, (100, 160, 3))).astype(np.float32)
    image[30:60, 110:140] = [0.9, 0.1, 0.1]
    prices: list[Tensor] = []
    context_weight = patch_fill._context_cost

    def keep(level: Level, sources: Sources, *rest: Any) -> Tensor:
        found = context_weight(level, sources, *rest)
        dense = torch.zeros(level.missing.numel())
        dense[sources.pixels] = found
        prices.append(dense.view(level.size))
        return found

    monkeypatch.setattr(patch_fill, "_context_cost", keep)
    inpaint(image, disc(100, 160, 50, 50, 14))
    assert len(prices) >= 2
    for price in prices:
        scale = round(100 / price.shape[0])
        red = price[40 // scale : 50 // scale, 120 // scale : 130 // scale]
        ground = price[10 // scale : 20 // scale, 20 // scale : 80 // scale]
        assert red.min() > 20 * ground.max()


def test_a_wall_goes_on_as_wall_and_the_ground_below_as_ground() -> None:
    """What a tall object hides; the two have the same grain and nearly the same color."""
    grain = np.random.default_rng(2).normal(0, 0.02, (120, 120, 3))
    image = (grain + np.where(np.arange(120)[:, None, None] < 60, 0.45, 0.55)).astype(np.float32)
    hole = np.zeros((120, 120), bool)
    hole[25:95, 50:72] = True
    filled = inpaint(image, hole)
    wall, ground = filled[27:55, 50:72].mean((1, 2)), filled[65:93, 50:72].mean((1, 2))
    assert wall.max() < 0.5 < ground.min()


def test_another_seed_gives_another_fill_and_the_same_seed_the_same() -> None:
    image, hole = noise(60, 80), disc(60, 80, 30, 40, 10)
    first, again, other = (inpaint(image, hole, seed=seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_cancel_stops_it() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        inpaint(noise(60, 80), disc(60, 80, 30, 40, 12), execution=Execution(cancelled=cancelled))
    assert len(asked) == 3


def test_progress_rises_to_one_and_previews_show_the_whole_image() -> None:
    fractions: list[float] = []
    previews: list[FloatArray] = []
    image = checks(96, 128, 8)
    inpaint(image, disc(96, 128, 48, 64, 20), execution=Execution(progress=fractions.append, preview=previews.append))
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert previews[0].shape[1] < previews[-1].shape[1] == 128
    assert abs(float(previews[0].mean() - image.mean())) < 0.05


def test_a_small_hole_in_a_large_image_finds_its_pattern() -> None:
    image, hole = checks(400, 500, 8), disc(400, 500, 203, 301, 6)
    error = np.abs(inpaint(image, hole) - image)[hole]
    assert (error.max(axis=1) < 0.2).mean() > 0.97


@pytest.mark.parametrize("shape", [(8, 9), (9, 30), (13, 13)])
def test_tiny_images_are_filled(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 0.5, np.float32)
    hole = np.zeros(shape, bool)
    hole[-1, -1] = True
    assert inpaint(image, hole)[-1, -1] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("shape", "source"), [((40, 40), True), ((5, 5), True), ((40, 40), False)])
def test_where_there_is_nothing_to_copy_it_says_what_to_do(shape: tuple[int, int], source: bool) -> None:
    hole = np.ones(shape, bool) if source else disc(*shape, 20, 20, 5)
    with pytest.raises(ValueError, match="widen the sampling area"):
        inpaint(np.zeros((*shape, 3), np.float32), hole, np.zeros(shape, bool) | source)


def test_an_empty_hole_is_no_work() -> None:
    image = noise(10, 10)
    assert (inpaint(image, np.zeros((10, 10), bool)) == image).all()
