"""Closed-form matting against the paper's matrix, built entry by entry and solved directly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import spsolve

from backend.imaging import Cancelled
from backend.imaging.matting.closed_form import MattingConfig, MattingLaplacian, closed_form_matting


def sparse_laplacian(image: np.ndarray, eps: float) -> csr_matrix:
    """Levin 2008, equation 12, window by window."""
    height, width = image.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    rows, columns, values = [], [], []
    for y in range(height - 2):
        for x in range(width - 2):
            nodes = index[y : y + 3, x : x + 3].ravel()
            colors = image[y : y + 3, x : x + 3].reshape(9, 3)
            centered = colors - colors.mean(axis=0)
            covariance = centered.T @ centered / 9 + eps / 9 * np.eye(3)
            block = np.eye(9) - (1 + centered @ np.linalg.solve(covariance, centered.T)) / 9
            rows.append(np.repeat(nodes, 9))
            columns.append(np.tile(nodes, 9))
            values.append(block.ravel())
    shape = (height * width, height * width)
    return coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape).tocsr()


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(3)
    return cv2.GaussianBlur(rng.random((21, 26, 3)), (0, 0), 1.2)


def operator(image: np.ndarray, eps: float) -> MattingLaplacian:
    return MattingLaplacian(torch.from_numpy(image.transpose(2, 0, 1).copy())[None], eps)


def test_operator_and_diagonal_equal_the_papers_matrix(image: np.ndarray) -> None:
    matrix = sparse_laplacian(image, 1e-4)
    laplacian = operator(image, 1e-4)
    alpha = np.random.default_rng(0).random(image.shape[:2])
    product = laplacian(torch.from_numpy(alpha)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(product.ravel(), matrix @ alpha.ravel(), atol=1e-8)
    np.testing.assert_allclose(laplacian.diagonal()[0, 0].numpy().ravel(), matrix.diagonal(), atol=1e-8)


def test_laplacian_ignores_alphas_that_are_affine_in_color(image: np.ndarray) -> None:
    alpha = image @ np.array([0.3, -0.5, 0.9]) + 0.2
    product = operator(image, 1e-9)(torch.from_numpy(alpha)[None, None])
    assert product.abs().max() < 1e-4


def test_solution_equals_sparse_direct_solve(image: np.ndarray) -> None:
    target = np.zeros(image.shape[:2])
    target[:, 13:] = 1
    weight = np.full(target.shape, 100.0)
    weight[:, 8:18] = 0
    matrix = sparse_laplacian(image, 1e-3) + diags(weight.ravel())
    direct = spsolve(matrix.tocsc(), (weight * target).ravel()).reshape(target.shape)
    config = MattingConfig(eps=1e-3, iterations=2000, tolerance=1e-9, dtype=torch.float64)
    alpha = closed_form_matting(image, target, weight, config=config)
    np.testing.assert_allclose(alpha, np.clip(direct, 0, 1), atol=1e-4)


def test_recovers_alpha_of_a_two_color_composite() -> None:
    y, x = np.mgrid[:96, :128].astype(np.float32)
    truth = np.clip((x - 40 + 6 * np.sin(y / 5)) / 40, 0, 1)
    image = truth[..., None] * np.float32([0.9, 0.3, 0.2]) + (1 - truth[..., None]) * np.float32([0.1, 0.4, 0.8])
    weight = np.where((truth > 0.001) & (truth < 0.999), 0, 100).astype(np.float32)
    alpha = closed_form_matting(
        image, np.round(truth), weight, config=MattingConfig(1e-5, iterations=300, tolerance=1e-5)
    )
    assert np.abs(alpha - truth).max() < 0.03


def test_cancel_stops_the_solve(image: np.ndarray) -> None:
    half = np.full(image.shape[:2], 0.5, np.float32)
    with pytest.raises(Cancelled):
        closed_form_matting(image.astype(np.float32), half, half, cancelled=lambda: True)


def test_too_small_an_image_is_refused() -> None:
    tiny = np.zeros((2, 9, 3), np.float32)
    with pytest.raises(ValueError, match="at least 3 x 3"):
        closed_form_matting(tiny, tiny[..., 0], tiny[..., 0])
