"""The discriminator: what each branch sees, and that both and the condition matter."""

import pytest
import torch

from models.papers.discriminator import Discriminator, cut, windows_around


def masks(*boxes: tuple[int, int, int, int], side: int = 64) -> torch.Tensor:
    out = torch.zeros(len(boxes), 1, side, side)
    for mask, (top, left, bottom, right) in zip(out, boxes, strict=True):
        mask[:, top:bottom, left:right] = 1
    return out


def test_the_window_is_centered_on_the_mask_and_stays_inside() -> None:
    corners = windows_around(masks((20, 30, 30, 40), (0, 60, 4, 64), (0, 0, 0, 0)), 32)
    assert corners.tolist() == [[25 - 16, 35 - 16], [0, 32], [16, 16]]


def test_windows_are_cut_where_the_corners_say() -> None:
    x = torch.arange(2 * 64 * 64).view(2, 1, 64, 64)
    near = cut(x, torch.tensor([[3, 5], [32, 0]]), 32)
    assert torch.equal(near[0], x[0, :, 3:35, 5:37])
    assert torch.equal(near[1], x[1, :, 32:, :32])


@pytest.fixture(scope="module")
def net() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(64, width=4)


def test_one_value_an_image_through_one_linear_layer(net: Discriminator) -> None:
    image, mask = torch.rand(3, 3, 64, 64), masks((10, 10, 30, 30)).expand(3, -1, -1, -1)
    assert net(image, image, mask).shape == (3,)
    linear = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    assert linear == [net.join]
    assert net.join.in_features == net.whole.features + net.near.features


@pytest.mark.parametrize("given", ["image", "pasted", "mask"])
def test_it_is_conditional(net: Discriminator, given: str) -> None:
    inputs = {"image": torch.rand(1, 3, 64, 64), "pasted": torch.rand(1, 3, 64, 64), "mask": masks((8, 8, 40, 40))}
    before = net(**inputs)
    inputs[given] = inputs[given].flip(2)
    assert not torch.isclose(net(**inputs), before)


def test_the_local_branch_sees_the_paste_and_the_global_one_everything(net: Discriminator) -> None:
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    mask = masks((2, 2, 14, 14))  # its window is the top left quarter
    net(image, torch.zeros_like(image), mask).sum().backward()
    assert image.grad is not None
    assert (image.grad[..., 40:, 40:] != 0).any()
    with torch.no_grad():
        net.join.weight[:, : net.whole.features] = 0
    image.grad = None
    net(image, torch.zeros_like(image), mask).sum().backward()
    assert not image.grad[..., 32:, :].any()
    assert not image.grad[..., 32:].any()
    assert image.grad[..., :32, :32].any()


def test_sides_it_cannot_halve_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        Discriminator(96)
    with pytest.raises(ValueError, match="64 x 64"):
        Discriminator(64, 4)(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32))
