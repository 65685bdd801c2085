"""The outline of a paste: its pairs, the map that they suggest, and how an outlier counts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from models.networks.harmonizer import bounded, color_transform, unbounded
from models.networks.outline import CELL_FACTS, FACTS, MOMENTS, REACH, outline_estimate, outline_moments, outline_pairs

MATRIX = np.array([[1.3, 0.1, -0.05], [0.0, 0.8, 0.1], [0.05, 0.0, 1.1]])
OFFSET = np.array([0.05, -0.1, 0.02])


@pytest.fixture
def pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colors within and without that an affine map relates, and their places."""
    rng = np.random.default_rng(0)
    within = rng.uniform(0.2, 0.8, (400, 3))
    without = (within - 0.5) @ MATRIX.T + OFFSET + 0.5 + rng.normal(0, 0.01, (400, 3))
    return within.astype(np.float32), without.astype(np.float32), rng.random((400, 2)).astype(np.float32)


def test_a_hard_outline_pairs_neighbors() -> None:
    alpha = np.zeros((60, 80), np.float32)
    alpha[10:40, :50] = 1  # at the image's border there is nothing beyond
    (y, x), (out_y, out_x) = outline_pairs(alpha)
    assert len(y) == 50 + 50 + 30
    assert (np.abs(y - out_y) + np.abs(x - out_x) == 1).all()
    assert (alpha[y, x] == 1).all()
    assert (alpha[out_y, out_x] == 0).all()


def test_a_soft_outline_is_stepped_over() -> None:
    alpha = np.zeros((60, 80), np.float32)
    alpha[10:40, 10:50] = 1
    (y, x), (out_y, out_x) = outline_pairs(cv2.GaussianBlur(alpha, (0, 0), 1.2))
    distance = np.abs(y - out_y) + np.abs(x - out_x)
    assert len(y) > 100
    assert 2 <= distance.min() <= distance.max() <= REACH


def test_without_an_outline_there_are_no_pairs_and_nothing_is_suggested() -> None:
    for alpha in (np.zeros((20, 30), np.float32), np.ones((20, 30), np.float32)):
        found = outline_pairs(alpha)
        assert len(found.within[0]) == 0
        nothing = np.zeros((0, 3), np.float32)
        moments = outline_moments(nothing, nothing, np.zeros((0, 2), np.float32), 8)
        assert not moments.any()
        estimate = outline_estimate(torch.from_numpy(moments)[None])
        assert float(estimate.found) == 0
        torch.testing.assert_close(estimate.matrix[0], torch.eye(3))
        assert float(estimate.offset.abs().max()) == 0
        assert all(bool(part.isfinite().all()) for part in estimate)


def test_the_map_between_both_sides_is_found_everywhere(pairs: tuple[np.ndarray, ...]) -> None:
    moments = outline_moments(*pairs, 8)
    assert moments.shape == (MOMENTS, 8, 8)
    assert moments[0].sum() == pytest.approx(1)
    found = outline_estimate(torch.from_numpy(moments)[None])
    np.testing.assert_allclose(found.matrix[0], MATRIX, atol=0.03)
    np.testing.assert_allclose(found.offset[0], OFFSET, atol=0.01)
    assert float((found.local_matrix - found.matrix[:, None, None]).abs().max()) < 0.05
    assert found.facts.shape == (1, FACTS)
    assert found.cells.shape == (1, CELL_FACTS, 8, 8)


def test_what_another_map_explains_does_not_count(pairs: tuple[np.ndarray, ...]) -> None:
    within, without, places = pairs
    without = without.copy()
    without[::5] = (0.9, 0.1, 0.2)  # something else touches the object there
    found = outline_estimate(torch.from_numpy(outline_moments(within, without, places, 8))[None])
    np.testing.assert_allclose(found.matrix[0], MATRIX, atol=0.12)
    np.testing.assert_allclose(found.offset[0], OFFSET, atol=0.04)
    assert 0.7 < float(found.facts[0, 0]) < 0.95


def test_an_offset_that_differs_from_side_to_side_is_followed() -> None:
    rng = np.random.default_rng(0)
    within = rng.uniform(0.3, 0.7, (600, 3))
    places = rng.random((600, 2))
    without = within + 0.1 * (places[:, 1:] - 0.5)
    moments = outline_moments(*(x.astype(np.float32) for x in (within, without, places)), 8)
    found = outline_estimate(torch.from_numpy(moments)[None])
    left, right = (found.local_offset[0, :, column].mean() for column in (1, 6))
    assert 0.02 < float(right - left) < 0.08


def test_as_parameters_it_is_the_same_map(pairs: tuple[np.ndarray, ...]) -> None:
    found = outline_estimate(torch.from_numpy(outline_moments(*pairs, 8))[None])
    parameters = bounded(unbounded(found.matrix, found.offset)[..., None, None])
    image = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    wanted = torch.einsum("ij,bjhw->bihw", found.matrix[0], image - 0.5) + 0.5 + found.offset[0][:, None, None]
    torch.testing.assert_close(color_transform(parameters, image), wanted, atol=1e-4, rtol=0)
