"""Mean field against loops over all pairs, and the fast kernels against the exact ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.papers import crf


def two_tone(height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An image of two tones split by a slanted line, uint8, and the mask of the right part."""
    y, x = np.mgrid[:height, :width]
    right = x > width / 2 + (y - height / 2) / 4
    image = np.where(right[..., None], [200, 120, 60], [60, 110, 180]) + rng.normal(0, 4, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8), right


def noisy_logits(mask: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    evidence = np.where(mask, 1.0, -1.0) + rng.normal(0, noise, mask.shape)
    return np.stack([-evidence, evidence]).astype(np.float32)


def brute_force(unary: np.ndarray, image: np.ndarray, iterations: int) -> np.ndarray:
    """The paper's algorithm 1, pixel by pixel, in double precision."""
    labels, height, width = unary.shape
    nodes = [(y, x) for y in range(height) for x in range(width)]
    kernels = np.zeros((2, len(nodes), len(nodes)))
    for i, (yi, xi) in enumerate(nodes):
        for j, (yj, xj) in enumerate(nodes):
            place = (yi - yj) ** 2 + (xi - xj) ** 2
            color = np.sum((image[yi, xi].astype(float) - image[yj, xj]) ** 2)
            kernels[0, i, j] = np.exp(-place / (2 * 60**2) - color / (2 * 10**2))
            kernels[1, i, j] = np.exp(-place / (2 * 2**2))
    for kernel in kernels:
        rows = kernel.sum(axis=1)
        kernel /= np.sqrt(rows[:, None] * rows[None, :])
    pairwise = 4 * kernels[0] + 3 * kernels[1]
    logits = unary.reshape(labels, -1).T.astype(float)
    q = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    potts = 1 - np.eye(labels)
    for _ in range(iterations):
        energy = -logits + (pairwise @ q) @ potts
        q = np.exp(-energy) / np.exp(-energy).sum(axis=1, keepdims=True)
    return q.T.reshape(unary.shape)


def test_exact_mean_field_equals_brute_force() -> None:
    rng = np.random.default_rng(0)
    image, _ = two_tone(8, 9, rng)
    unary = rng.normal(0, 1, (3, 8, 9)).astype(np.float32)
    np.testing.assert_allclose(
        crf.refine(unary, image, crf.CRFConfig(iterations=4)), brute_force(unary, image, 4), atol=1e-4
    )


def test_fast_kernels_agree_with_exact_ones() -> None:
    rng = np.random.default_rng(1)
    image, mask = two_tone(36, 44, rng)
    unary = noisy_logits(mask, 1.5, rng)
    fast = crf.refine(unary, image, exact=False)
    exact = crf.refine(unary, image, exact=True)
    assert np.abs(fast - exact).mean() < 0.01
    assert (fast.argmax(0) == exact.argmax(0)).mean() > 0.995


def test_bilateral_grid_is_a_gaussian_in_the_features() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(600, 3, generator=generator) * 4
    q = torch.rand(600, 2, generator=generator)
    ones = torch.ones(600, 1)
    grid, exact = crf.BilateralGrid(features), crf.exact_kernel(features)
    difference = grid(q) / grid(ones) - exact(q) / exact(ones)
    assert difference.abs().max() < 0.03


def test_labels_snap_to_the_images_edge() -> None:
    rng = np.random.default_rng(2)
    image, mask = two_tone(90, 120, rng)
    unary = noisy_logits(np.roll(mask, 5, axis=1), 1.5, rng)  # the network is five pixels off, and unsure
    before, after = unary.argmax(0) == mask, crf.refine(unary, image).argmax(0) == mask
    assert after.mean() > 0.97 > 0.8 > before.mean()


def test_probabilities_sum_to_one_and_zero_weights_change_nothing() -> None:
    rng = np.random.default_rng(3)
    image, _ = two_tone(50, 60, rng)
    unary = rng.normal(0, 1, (4, 50, 60)).astype(np.float32)
    np.testing.assert_allclose(crf.refine(unary, image).sum(axis=0), 1, atol=1e-5)
    same = crf.refine(unary, image, crf.CRFConfig(bilateral_weight=0, spatial_weight=0))
    np.testing.assert_allclose(same, torch.softmax(torch.from_numpy(unary), 0).numpy(), atol=1e-5)


def test_shapes_that_do_not_fit_are_refused() -> None:
    unary, image = np.zeros((2, 5, 6), np.float32), np.zeros((5, 6, 3), np.uint8)
    with pytest.raises(ValueError, match="L x H x W"):
        crf.refine(unary, image[:4])
