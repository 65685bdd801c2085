"""The guided filter against its definition, and what it is for: edges from the guide, no leak."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.matting.guided_filter import apply_coefficients, box_sum, guided_coefficients


def reference(guide: np.ndarray, target: np.ndarray, radius: int, eps: float, weight: np.ndarray) -> np.ndarray:
    """Equations 5, 6 and 8 of the paper, window by window, in double precision."""
    height, width = target.shape
    a, b = np.zeros((height, width, 3)), np.zeros((height, width))

    def window(y: int, x: int) -> tuple[slice, slice]:
        return slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)

    for y in range(height):
        for x in range(width):
            w = weight[window(y, x)].ravel().astype(float)
            w /= w.sum()
            colors, t = guide[window(y, x)].reshape(-1, 3).astype(float), target[window(y, x)].ravel().astype(float)
            mean = w @ colors
            covariance = (colors - mean).T @ ((colors - mean) * w[:, None]) + eps * np.eye(3)
            a[y, x] = np.linalg.solve(covariance, ((colors - mean) * (t - w @ t)[:, None] * w[:, None]).sum(axis=0))
            b[y, x] = w @ t - a[y, x] @ mean
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            out[y, x] = a[window(y, x)].mean(axis=(0, 1)) @ guide[y, x] + b[window(y, x)].mean()
    return out


def guided_filter(
    guide: np.ndarray, target: np.ndarray, radius: int, eps: float, weight: np.ndarray | None = None
) -> np.ndarray:
    """The filtered target, from the parts that refining uses."""
    model = guided_coefficients(guide, target, radius, eps, weight)
    return apply_coefficients(guide, model.a, model.b)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_box_sum_cuts_windows_at_the_border() -> None:
    np.testing.assert_array_equal(box_sum(np.ones((3, 4), np.float32), 1), [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]])


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_the_definition(rng: np.random.Generator, weighted: bool) -> None:
    guide, target = rng.random((12, 15, 3), dtype=np.float32), rng.random((12, 15), dtype=np.float32)
    weight = rng.random((12, 15), dtype=np.float32) + np.float32(0.1) if weighted else None
    expected = reference(guide, target, 2, 1e-2, np.ones((12, 15)) if weight is None else weight)
    np.testing.assert_allclose(guided_filter(guide, target, 2, 1e-2, weight), expected, atol=1e-4)


def test_constants_come_back(rng: np.random.Generator) -> None:
    guide = rng.random((40, 50, 3), dtype=np.float32)
    out = guided_filter(guide, np.full((40, 50), 0.3, np.float32), 8, 1e-4)
    np.testing.assert_allclose(out, 0.3, atol=1e-4)


def test_a_constant_guide_leaves_the_mean_of_means(rng: np.random.Generator) -> None:
    target = rng.random((30, 30), dtype=np.float32)
    out = guided_filter(np.full((30, 30, 3), 0.6, np.float32), target, 3, 1e-4)
    norm = box_sum(np.ones_like(target), 3)
    np.testing.assert_allclose(out, box_sum(box_sum(target, 3) / norm, 3) / norm, atol=1e-3)


def test_a_blurred_target_takes_the_guides_edge() -> None:
    x = np.arange(128, dtype=np.float32)[None].repeat(96, 0)
    edge = (x >= 64).astype(np.float32)
    guide = edge[..., None] * np.float32([0.5, -0.3, 0.2]) + np.float32([0.3, 0.7, 0.4])
    blurred = np.clip((x - 54) / 20, 0, 1)
    out = guided_filter(guide, blurred, 16, 1e-4)
    assert (out[:, 64] - out[:, 63]).min() > 0.5 > 5 * (blurred[:, 64] - blurred[:, 63]).max()


def test_windows_that_explain_more_leak_less(rng: np.random.Generator) -> None:
    """Between two sure sides, windows that saw one side only pull the plain mean off; by_fit leaves them out."""
    x = np.arange(96, dtype=np.float32)[None].repeat(64, 0)
    edge = (x >= 48).astype(np.float32)
    guide = edge[..., None] * np.float32([0.2, 0.2, 0.0]) + rng.normal(0.4, 0.02, (64, 96, 3)).astype(np.float32)
    unsure = np.abs(x - 48) < 10
    target = np.where(unsure, np.float32(0.5), edge)
    weight = np.where(unsure, np.float32(1e-3), np.float32(1))

    def error(by_fit: bool) -> float:
        model = guided_coefficients(guide, target, 14, 1e-5, weight, by_fit=by_fit)
        return float(np.abs(apply_coefficients(guide, model.a, model.b) - edge)[unsure].mean())

    assert error(True) < 0.8 * error(False)


def test_quality_tells_informative_guides_from_others(rng: np.random.Generator) -> None:
    edge = (np.arange(60)[None].repeat(60, 0) >= 30).astype(np.float32)
    told = guided_coefficients(np.dstack([edge] * 3), edge, 5, 1e-4).quality[:, 28:32]
    untold = guided_coefficients(rng.random((60, 60, 3), dtype=np.float32), edge, 5, 1e-4).quality[:, 28:32]
    assert told.min() > 0.7
    assert untold.mean() < 0.2


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="H x W x 3"):
        guided_filter(np.zeros((4, 5, 3), np.float32), np.zeros((5, 4), np.float32), 1, 1e-3)
