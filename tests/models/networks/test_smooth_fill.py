"""The smooth fill beside what Laplace's equation asks of it."""

import pytest
import torch

from models.networks.smooth_fill import smooth_fill


def hole(height: int, width: int) -> torch.Tensor:
    mask = torch.ones(1, 1, height, width)
    mask[..., height // 4 : height // 2, width // 3 : 2 * width // 3] = 0
    return mask


@pytest.mark.parametrize("size", [(64, 96), (37, 51), (5, 4)])
def test_a_slope_goes_on_and_what_is_known_stays(size: tuple[int, int]) -> None:
    mask = hole(*size)
    slope = torch.linspace(0, 1, size[1]).expand(1, 3, *size).contiguous()
    filled = smooth_fill(torch.where(mask > 0, slope, 9.0), mask)
    assert torch.equal(filled * mask, slope * mask)
    assert (filled - slope).abs().max() < 0.12
    assert filled.min() >= 0 and filled.max() <= 1


def test_every_pixel_is_nearly_the_mean_of_its_neighbors() -> None:
    torch.manual_seed(0)
    mask = hole(64, 64)
    filled = smooth_fill(torch.rand(1, 1, 64, 64), mask)
    around = torch.nn.functional.avg_pool2d(filled, 3, 1)  # of it and its eight neighbors
    assert (filled[..., 17:31, 22:41] - around[..., 16:30, 21:40]).abs().mean() < 0.01


def test_where_nothing_is_known_it_is_gray() -> None:
    assert (smooth_fill(torch.rand(2, 3, 16, 16), torch.zeros(2, 1, 16, 16)) == 0.5).all()
