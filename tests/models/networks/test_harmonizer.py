"""The harmonizer: bounds that hold for any weights, the identity at the start, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from models.networks.harmonizer import CROSS, CURVE, GRID, MOST_GAIN, OFFSET, SIDE, Harmonizer, bounded, color_transform
from models.networks.outline import MOMENTS, outline_moments


@pytest.fixture(scope="module")
def net() -> Harmonizer:
    torch.manual_seed(0)
    return Harmonizer(width=48, layers=1, heads=2).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def composite() -> tuple[torch.Tensor, ...]:
    """Images, masks, and the moments of outlines beyond which everything is a little brighter."""
    image = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[:, :, 30:90, 40:100] = 1
    within = torch.rand(300, 3, generator=torch.Generator().manual_seed(2)).numpy()
    places = torch.rand(300, 2, generator=torch.Generator().manual_seed(3)).numpy()
    moments = torch.from_numpy(outline_moments(within, within * 0.9 + 0.1, places, GRID))
    return image, mask, moments.expand(2, MOMENTS, GRID, GRID)


def test_one_answer_for_every_cell(net: Harmonizer, composite: tuple[torch.Tensor, ...]) -> None:
    assert net(*composite).shape == (2, 15, GRID, GRID)


def test_at_the_start_next_to_nothing_changes_without_an_outline(
    net: Harmonizer, composite: tuple[torch.Tensor, ...]
) -> None:
    image, mask, moments = composite
    torch.testing.assert_close(
        color_transform(net(image, mask, torch.zeros_like(moments)), image), image, atol=0.05, rtol=0
    )


def test_gates_say_how_far_the_outline_is_followed(composite: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(0)
    net = Harmonizer(width=48, layers=1, heads=2).eval().requires_grad_(False)
    image = composite[0]
    for bias, share in ((-20.0, 0.0), (20.0, 1.0)):
        net.gate.bias.fill_(bias)
        wanted = image + share * 0.1 * (1 - image)
        torch.testing.assert_close(color_transform(net(*composite), image), wanted, atol=0.06, rtol=0)


def test_zero_is_the_identity(composite: tuple[torch.Tensor, ...]) -> None:
    torch.testing.assert_close(color_transform(bounded(torch.zeros(2, 15, 4, 4)), composite[0]), composite[0])


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_whatever_the_numbers_curves_rise_and_the_matrix_can_be_inverted(scale: float) -> None:
    raw = scale * torch.randn(50, 15, 3, 3, generator=torch.Generator().manual_seed(2))
    parameters = bounded(raw)
    assert parameters[:, :3].abs().max() <= CURVE < 1
    matrix = parameters[:, 3:12].unflatten(1, (3, 3)).permute(0, 3, 4, 1, 2)
    gains = matrix.diagonal(dim1=-2, dim2=-1)
    assert gains.min() >= 1 / MOST_GAIN - 1e-6
    assert gains.max() <= MOST_GAIN + 1e-6
    others = matrix.abs().sum(-1) - gains
    assert (others <= 2 * CROSS * gains + 1e-5).all()
    assert 2 * CROSS < 1
    assert torch.linalg.det(matrix).min() > 0
    assert parameters[:, 12:].abs().max() <= OFFSET


def test_it_refuses_another_size(net: Harmonizer) -> None:
    with pytest.raises(ValueError, match="128 x 128"):
        net(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64), torch.zeros(1, MOMENTS, GRID, GRID))
