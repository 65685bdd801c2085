"""Partial convolution against its equations, one output value at a time; what the U-Net must not depend on."""

import pytest
import torch
from torch import Tensor

from models.networks.smooth_fill import smooth_fill
from models.papers.pconv import PartialConv2d, PConvUNet


def literal(layer: PartialConv2d, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Equations 1 and 2 as they stand, with a mask channel for each channel of x."""
    outputs, inputs, kernel, _ = layer.weight.shape
    half, stride = kernel // 2, layer.stride
    batch, _, height, width = x.shape
    rows, columns = -(-height // stride), -(-width // stride)
    result, known = torch.zeros(batch, outputs, rows, columns), torch.zeros(batch, 1, rows, columns)
    padded, hole = (torch.zeros(batch, inputs, height + 2 * half, width + 2 * half) for _ in range(2))
    padded[..., half : half + height, half : half + width] = x
    hole[..., half : half + height, half : half + width] = mask
    for b in range(batch):
        for i in range(rows):
            for j in range(columns):
                window = (
                    b,
                    slice(None),
                    slice(i * stride, i * stride + kernel),
                    slice(j * stride, j * stride + kernel),
                )
                X, M = padded[window], hole[window]
                if M.sum() > 0:
                    known[b, 0, i, j] = 1
                    for o in range(outputs):
                        value = (layer.weight[o] * X * M).sum() * torch.ones_like(M).sum() / M.sum()
                        result[b, o, i, j] = value + layer.bias[o]
    return result, known


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2), (7, 2)])
@pytest.mark.parametrize("groups", [(3,), (4, 2)])
@torch.no_grad()
def test_partial_convolution_is_the_papers(kernel: int, stride: int, groups: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = PartialConv2d(groups, 5, kernel, stride)
    layer.bias.uniform_(-1, 1)
    x = torch.randn(2, sum(groups), 8, 10)
    mask = (torch.rand(2, len(groups), 8, 10) > 0.8).float()
    mask[:, :, :5, :6] = 0  # large enough that some windows see nothing
    each = torch.cat([part.expand(-1, n, -1, -1) for part, n in zip(mask.split(1, 1), groups, strict=True)], 1)
    expected, expected_mask = literal(layer, x, each)
    found, found_mask = layer(x, mask)
    assert (expected_mask == 0).any()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(found_mask, expected_mask)


def test_a_full_mask_makes_it_a_convolution_inside() -> None:
    layer = PartialConv2d([3], 4, 3)
    x = torch.randn(1, 3, 9, 9)
    plain = torch.nn.functional.conv2d(x, layer.weight, layer.bias)
    for mask in (torch.ones(1, 1, 9, 9), None):
        found, _ = layer(x, mask)
        torch.testing.assert_close(found[..., 1:-1, 1:-1], plain)


def test_the_papers_network_has_its_layers() -> None:
    with torch.device("meta"):
        net = PConvUNet()
    shapes = [tuple(layer.weight.shape[:3]) for layer in net.encoder]
    assert shapes == [
        (64, 3, 7), (128, 64, 5), (256, 128, 5), (512, 256, 3), (512, 512, 3), (512, 512, 3), (512, 512, 3),
        (512, 512, 3),
    ]  # fmt: skip
    assert [tuple(layer.weight.shape[:2]) for layer in net.decoder] == [
        (512, 1024), (512, 1024), (512, 1024), (512, 1024), (256, 768), (128, 384), (64, 192), (3, 67),
    ]  # fmt: skip
    assert (len(net.encoder_norm), len(net.decoder_norm)) == (7, 7)


@pytest.mark.parametrize("smooth", [False, True])
def test_what_is_in_the_hole_makes_no_difference_but_the_mask_does(smooth: bool) -> None:
    torch.manual_seed(0)
    net = PConvUNet(4, 3, smooth).eval()
    torch.nn.init.normal_(net.decoder[-1].weight)
    image, mask = torch.rand(1, 3, 32, 40), torch.ones(1, 1, 32, 40)
    mask[..., 10:20, 10:25] = 0
    other = torch.where(mask > 0, image, torch.rand_like(image))
    with torch.no_grad():
        assert torch.equal(net(image, mask), net(other, mask))
        assert not torch.equal(net(image, mask), net(image, torch.ones_like(mask)))
        assert net(image, mask).shape == image.shape


def test_a_smooth_network_begins_with_the_smooth_fill_and_keeps_what_is_known() -> None:
    torch.manual_seed(0)
    net = PConvUNet(4, 3, smooth=True).eval()
    image, mask = torch.rand(1, 3, 32, 40), torch.ones(1, 1, 32, 40)
    mask[..., 10:20, 10:25] = 0
    with torch.no_grad():
        torch.testing.assert_close(net(image, mask), smooth_fill(image, mask))
        torch.nn.init.normal_(net.decoder[-1].weight)
        found = net(image, mask)
    known = mask.expand_as(image) > 0
    assert torch.equal(found[known], image[known])
    assert (found[~known] - smooth_fill(image, mask)[~known]).abs().max() > 0.1


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        PConvUNet(4, 3)(torch.rand(1, 3, 30, 32), torch.ones(1, 1, 30, 32))


def test_the_second_phase_keeps_the_encoders_statistics_alone() -> None:
    net = PConvUNet(4, 3)
    net.freeze_encoder_norm()
    net.train()
    before = [norm.running_mean.clone() for norm in (*net.encoder_norm, *net.decoder_norm)]
    net(torch.rand(2, 3, 16, 16), torch.ones(2, 1, 16, 16)).mean().backward()
    after = [norm.running_mean for norm in (*net.encoder_norm, *net.decoder_norm)]
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [True, True, False, False]
    assert all(norm.weight.grad is None for norm in net.encoder_norm)
    assert all(layer.weight.grad is not None for layer in net.encoder)
