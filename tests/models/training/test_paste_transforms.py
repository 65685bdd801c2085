"""T and its parts against the definitions of Portenier et al. 2019, section 3.1."""

import colorsys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from models.training.core.arrays import FloatArray
from models.training.paste import transforms as t


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def image(rng: np.random.Generator) -> FloatArray:
    return rng.uniform(0, 1, (20, 30, 3)).astype(np.float32)


def by_pixel(image: FloatArray, change: Callable[..., tuple[float, ...]]) -> np.ndarray:
    return np.array([[colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*p))) for p in row] for row in image.tolist()])


def test_saturation_scales_s(image: FloatArray) -> None:
    np.testing.assert_allclose(
        t.saturation(image, 1.4), by_pixel(image, lambda h, s, v: (h, min(1, 1.4 * s), v)), atol=2e-5
    )
    np.testing.assert_allclose(t.saturation(image, 0.5), by_pixel(image, lambda h, s, v: (h, s / 2, v)), atol=2e-5)


@pytest.mark.parametrize("bias", [-0.45, 0.2, 0.5])
def test_hue_turns_h(image: FloatArray, bias: float) -> None:
    np.testing.assert_allclose(t.hue(image, bias), by_pixel(image, lambda h, s, v: ((h + bias) % 1, s, v)), atol=2e-5)


def test_contrast_is_equation_2(image: FloatArray) -> None:
    factors = np.array([0.5, 1.0, 1.5])
    changed = t.contrast(image, factors)
    np.testing.assert_allclose(changed.mean((0, 1)), image.mean((0, 1)), atol=1e-6)
    np.testing.assert_allclose(changed.std((0, 1)), image.std((0, 1)) * factors, rtol=1e-5)


def test_brightness_adds_one_bias(image: FloatArray) -> None:
    np.testing.assert_allclose(t.brightness(image, -0.3) - image, -0.3, atol=1e-6)


def test_color_transform_draws_the_papers_ranges(monkeypatch: pytest.MonkeyPatch, image: FloatArray) -> None:
    drawn: dict[str, list[np.ndarray]] = {}

    def record(name: str, original: Callable[..., FloatArray], given: FloatArray, amount: Any) -> FloatArray:
        drawn.setdefault(name, []).append(np.atleast_1d(amount))
        return original(given, amount)

    for name in ("saturation", "hue", "contrast", "brightness"):
        monkeypatch.setattr(t, name, partial(record, name, getattr(t, name)))
    rng = np.random.default_rng(1)
    for _ in range(200):
        t.color_transform(image, rng)
    assert list(drawn) == ["brightness", "contrast", "hue", "saturation"]  # T_b is applied first, T_s last
    for name, (low, high, values) in {
        "saturation": (0.5, 1.5, 1), "hue": (-0.5, 0.5, 1), "contrast": (0.5, 1.5, 3), "brightness": (-0.5, 0.5, 1),
    }.items():  # fmt: skip
        amounts = np.stack(drawn[name])
        assert amounts.shape == (200, values)
        assert low <= amounts.min() < low + 0.05
        assert high - 0.05 < amounts.max() <= high
        assert len(np.unique(amounts)) == 200 * values


def test_the_mixing_mask_is_salt_and_pepper_scaled_up(rng: np.random.Generator) -> None:
    mix = t.mixing_mask(200, 400, rng)
    assert mix.shape == (200, 400)
    cells = mix[10::20, 20::40]  # beside the centers of the cells
    assert cells.shape == (10, 10)
    assert np.abs(cells - cells.round()).max() < 0.06
    assert 20 < cells.round().sum() < 80
    assert np.abs(np.diff(mix, axis=0)).max() <= 1 / 20 + 1e-6  # bilinear: from 0 to 1 over a cell of 20 rows
    assert np.abs(np.diff(mix, axis=1)).max() <= 1 / 40 + 1e-6


def test_shading_mixes_two_color_transforms(image: FloatArray) -> None:
    result = t.shading(image, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    first = t.color_transform(image, rng)
    mix = t.mixing_mask(20, 30, rng)[..., None]
    second = t.color_transform(image, rng)
    np.testing.assert_allclose(result, np.clip(first * mix + second * (1 - mix), 0, 1), atol=1e-6)
    assert result.min() >= 0
    assert result.max() <= 1


def test_global_shading_changes_equal_colors_alike(rng: np.random.Generator) -> None:
    image = np.tile(rng.uniform(0.3, 0.7, (1, 2, 3)), (40, 20, 1)).astype(np.float32)
    spread = {local: np.ptp(t.shading(image, np.random.default_rng(3), local)[:, ::2], axis=(0, 1)).max()
              for local in (False, True)}  # fmt: skip
    assert spread[False] < 1e-5
    assert spread[True] > 0.05


def test_the_homography_moves_the_corners_by_the_offsets(rng: np.random.Generator) -> None:
    offsets = rng.uniform(-15, 15, (4, 2))
    matrix = t.homography(100, 160, offsets)
    corners = np.array([(0, 0), (159, 0), (159, 99), (0, 99)], float)
    moved = np.column_stack([corners, np.ones(4)]) @ matrix.T
    np.testing.assert_allclose(moved[:, :2] / moved[:, 2:], corners + offsets, atol=1e-6)
    np.testing.assert_allclose(t.homography(100, 160, np.zeros((4, 2))), np.eye(3), atol=1e-9)


def test_geometric_moves_content_by_at_most_sigma() -> None:
    image = np.zeros((121, 121, 3), np.float32)
    image[59:62, 59:62] = 1
    for seed in range(20):
        moved = t.geometric(image, 10, np.random.default_rng(seed))[..., 0]
        y, x = (float((moved * axis).sum() / moved.sum()) for axis in np.mgrid[:121, :121])
        assert 0 < np.hypot(y - 60, x - 60) < 10 * 2**0.5
    np.testing.assert_array_equal(t.geometric(image, 0, np.random.default_rng(0)), image)


def test_t_is_shading_after_geometric_and_reproducible(image: FloatArray) -> None:
    result = t.transform(image, 3, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    np.testing.assert_array_equal(result, t.shading(t.geometric(image, 3, rng), rng))


def test_rectangles_are_turned_and_vary(rng: np.random.Generator) -> None:
    masks = [t.rectangle_mask(100, rng) for _ in range(100)]
    areas = np.array([m.mean() for m in masks])
    assert (areas > 0).all()
    assert areas.max() < 0.37
    assert areas.std() > 0.05
    turned = 0
    for mask in masks:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        turned += mask.sum() < 0.9 * rows * columns
    assert turned > 50


def test_rough_masks_hold_the_object_and_some_more(rng: np.random.Generator) -> None:
    disc = np.hypot(*(np.mgrid[:100, :100] - 50)) < 20
    grown = [t.roughen(disc, rng) for _ in range(20)]
    assert all(g[disc].all() for g in grown)
    sizes = {int(g.sum()) for g in grown}
    assert len(sizes) > 2
    assert max(sizes) <= (np.hypot(*(np.mgrid[:100, :100] - 50)) < 24.5).sum()


def test_placed_masks_keep_the_shape(rng: np.random.Generator) -> None:
    disc = np.hypot(*(np.mgrid[:60, :90] - np.array([30, 40])[:, None, None])) < 15
    for _ in range(20):
        mask = t.placed(disc, 128, rng)
        assert mask.shape == (128, 128)
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert rows > 0
        if not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()):
            assert abs(int(rows) - int(columns)) <= 3
            assert abs(mask.sum() / (np.pi / 4 * rows * columns) - 1) < 0.08
