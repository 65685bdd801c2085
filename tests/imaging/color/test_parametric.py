"""The harmonizer's transform at full size: the network's own at any size, and detail kept whatever the weights."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from backend.imaging.color.parametric import resample_grid, row_strips, transform_rows
from models.networks.harmonizer import Harmonizer, bounded, color_transform
from models.networks.outline import outline_moments


def transformed(grid: np.ndarray, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.concatenate([transform_rows(grid, (width, height), rows, image[rows]) for rows in row_strips(height)])


def random_grid(seed: int, scale: float) -> np.ndarray:
    raw = scale * torch.randn(1, 15, 8, 8, generator=torch.Generator().manual_seed(seed))
    return bounded(raw)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("size", [(64, 80), (301, 170)])
def test_it_is_what_the_network_defines(size: tuple[int, int]) -> None:
    grid = random_grid(0, 0.5)
    image = np.random.default_rng(0).random((*size, 3), np.float32)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    expected = color_transform(torch.from_numpy(grid).permute(2, 0, 1)[None], tensor)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(transformed(grid, image), expected, atol=2e-3)  # OpenCV places to a 32nd of a pixel


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_random_weights_detail_is_kept(seed: int) -> None:
    torch.manual_seed(seed)
    net = Harmonizer(width=48, layers=1, heads=2).eval().requires_grad_(False)
    for head in (net.head_global, net.head_local, net.gate):
        torch.nn.init.normal_(head.weight, std=0.05)
    rng = np.random.default_rng(seed)  # an outline that suggests anything
    colors, places = rng.random((2, 200, 3), np.float32), rng.random((200, 2), np.float32)
    moments = torch.from_numpy(outline_moments(*colors, places, 8))[None]
    photograph = cv2.resize(data.astronaut(), (400, 400), interpolation=cv2.INTER_AREA) / np.float32(255)
    small = torch.from_numpy(cv2.resize(photograph, (128, 128), interpolation=cv2.INTER_AREA)).permute(2, 0, 1)[None]
    mask = torch.zeros(1, 1, 128, 128)
    mask[:, :, 20:110, 20:110] = 1
    result = transformed(net(small, mask, moments)[0].permute(1, 2, 0).numpy(), photograph)
    assert np.abs(result - photograph).max() > 0.02
    before, after = (cv2.Laplacian(np.ascontiguousarray(x.mean(2)), cv2.CV_32F).ravel() for x in (photograph, result))
    assert np.corrcoef(before, after)[0, 1] > 0.97
    assert 0.4 < np.abs(after).sum() / np.abs(before).sum() < 2.5


def test_a_grid_over_another_box_says_the_same_at_the_same_place() -> None:
    grid = np.zeros((8, 8, 1), np.float32)
    grid[..., 0] = np.arange(8) * 10 + 5  # the column of the cell's center, of a box 80 wide
    part = resample_grid(grid, (100, 50, 80, 80), (120, 60, 40, 20), 4)
    assert part.shape == (4, 4, 1)
    np.testing.assert_allclose(part[0, :, 0], [25, 35, 45, 55], atol=1e-4)
    beyond = resample_grid(grid, (100, 50, 80, 80), (60, 60, 40, 20), 4)
    np.testing.assert_allclose(beyond[..., 0], 5)
