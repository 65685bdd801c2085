"""The copy-paste network against the paper's equations, and what a user may rely on: any size, untouched outside."""

import pytest
import torch
from torch import Tensor, nn

from models.papers.copy_paste import (
    DILATIONS,
    CopyPasteConfig,
    CopyPasteNet,
    NoiseAddition,
    apply_transform,
    composite,
    local_response_norm,
)

NARROW = CopyPasteConfig(width=4)


def trained_a_little(config: CopyPasteConfig = NARROW, noise: float = 0.0) -> CopyPasteNet:
    """A network whose last layer and noise scales are not zero."""
    torch.manual_seed(0)
    net = CopyPasteNet(config).eval()
    nn.init.normal_(net.up[-1].plain.weight, std=0.2)
    for module in net.modules():
        if isinstance(module, NoiseAddition):
            nn.init.constant_(module.scale, noise)
    return net


def images(height: int = 24, width: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source, target = (torch.rand(1, 3, height, width, generator=generator) for _ in range(2))
    mask = torch.zeros(1, 1, height, width)
    mask[..., 5:17, 9:30] = 1
    return source, target, mask


def test_response_normalization_is_equation_4() -> None:
    a = torch.randn(2, 6, 3, 5, dtype=torch.float64)
    expected = torch.empty_like(a)
    for b in range(2):
        for y in range(3):
            for x in range(5):
                values = [float(a[b, i, y, x]) for i in range(6)]
                expected[b, :, y, x] = a[b, :, y, x] / (sum(v * v for v in values) / 6 + 1e-8) ** 0.5
    torch.testing.assert_close(local_response_norm(a), expected, rtol=1e-6, atol=1e-6)
    assert not local_response_norm(torch.zeros(1, 4, 2, 2)).any()


def test_the_composite_is_the_papers_y_and_leaves_the_rest_bit_by_bit() -> None:
    source, target, _ = images()
    mask = torch.tensor([0.0, 0.25, 1.0, 0.0]).repeat(10).expand(1, 1, 24, 40)
    residual = torch.randn(1, 3, 24, 40)
    result = composite(residual, source, target, mask)
    torch.testing.assert_close(result, (residual + source) * mask + target * (1 - mask))
    outside = mask.expand_as(target) == 0
    assert torch.equal(result[outside], target[outside])
    residual[outside] = torch.inf
    assert torch.equal(composite(residual, source, target, mask)[outside], target[outside])


def test_the_papers_network_has_64_by_64_by_512_at_512_and_seven_dilated_layers() -> None:
    with torch.device("meta"):
        net = CopyPasteNet(CopyPasteConfig())
        x = torch.empty(1, 4, 512, 512)
        for down in net.down:
            x = down(x)
        assert x.shape == (1, 512, 64, 64)
        assert len(net.dilated) == 7
        for layer in net.dilated:
            x = layer(x)
        assert x.shape == (1, 512, 64, 64)
    rates = [layer.dilation[0] for layer in net.dilated]
    assert rates == sorted(rates)
    assert rates == list(DILATIONS)
    assert rates[-1] == 16
    kernels = {m.kernel_size for m in net.modules() if isinstance(m, nn.Conv2d)}
    assert kernels == {(3, 3)}
    transposed = [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [m.kernel_size for m in transposed] == [(4, 4)] * 3
    assert [up.noise.scale.shape[1] for up in net.up] == [m.out_channels for m in transposed]


def test_the_slim_network_is_slim() -> None:
    with torch.device("meta"):
        net = CopyPasteNet(CopyPasteConfig(width=40, poisson=True, affine=True, stride=4))
    assert sum(p.numel() for p in net.parameters()) < 3e6


def test_dilated_layers_look_as_far_as_their_rates_say() -> None:
    net = CopyPasteNet(NARROW)
    x = torch.zeros(1, 16, 1, 121, requires_grad=True)
    y = x
    for layer in net.dilated:
        nn.init.ones_(layer.weight)
        y = layer(y)
    y[0, 0, 0, 60].backward()
    assert x.grad is not None
    reached = x.grad[0].abs().sum((0, 1)).nonzero().flatten()
    assert (int(reached[0]), int(reached[-1])) == (60 - sum(DILATIONS), 60 + sum(DILATIONS))


def test_noise_is_one_image_for_all_maps_times_each_maps_scale() -> None:
    layer = NoiseAddition(3)
    with torch.no_grad():
        layer.scale.copy_(torch.tensor([0.0, 1.0, -2.0]).view(1, 3, 1, 1))
        noise = layer(torch.zeros(2, 3, 50, 60))
    assert not noise[:, 0].any()
    torch.testing.assert_close(noise[:, 2], -2 * noise[:, 1])
    assert not torch.equal(noise[0, 1], noise[1, 1])
    assert abs(float(noise[:, 1].std()) - 1) < 0.05


def test_without_noise_scales_the_answer_is_always_the_same_and_with_them_the_generators() -> None:
    source, target, mask = images()
    with torch.no_grad():
        quiet = trained_a_little()
        assert torch.equal(quiet(source, target, mask), quiet(source, target, mask))
        noisy = trained_a_little(noise=0.5)
        assert not torch.equal(noisy(source, target, mask), noisy(source, target, mask))
        once, again = (noisy(source, target, mask, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once, again)


@pytest.mark.parametrize("size", [(24, 40), (33, 47), (8, 8), (1, 13)])
def test_any_size_goes_through_and_only_the_mask_changes(size: tuple[int, int]) -> None:
    source, target, _ = images(*size)
    mask = (torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(2)) > 0.5).float()
    with torch.no_grad():
        result = trained_a_little()(source, target, mask)
    outside = (mask == 0).expand_as(target)
    assert result.shape == target.shape
    assert torch.equal(result[outside], target[outside])
    assert not torch.isclose(result[~outside], source[~outside]).all()


def test_the_target_under_the_paste_has_no_say() -> None:
    source, target, mask = images()
    other = torch.where(mask > 0, torch.rand_like(target), target)
    net = trained_a_little()
    with torch.no_grad():
        torch.testing.assert_close(net(source, other, mask), net(source, target, mask))


def test_untrained_it_is_the_plain_composite() -> None:
    source, target, mask = images()
    for affine in (False, True):
        net = CopyPasteNet(CopyPasteConfig(width=4, affine=affine))
        torch.testing.assert_close(net(source, target, mask), source * mask + target * (1 - mask))


def test_untrained_with_the_poisson_solution_it_is_that() -> None:
    source, target, mask = images(21, 30)
    poisson = torch.rand_like(target)
    for affine in (False, True):
        net = CopyPasteNet(CopyPasteConfig(width=4, poisson=True, affine=affine))
        torch.testing.assert_close(net(source, target, mask, poisson), poisson * mask + target * (1 - mask))


@pytest.mark.parametrize("stride", [2, 4])
def test_a_coarse_answer_is_carried_to_every_pixel_and_starts_at_the_poisson_solution(stride: int) -> None:
    source, target, mask = images(21, 30)
    config = CopyPasteConfig(width=4, poisson=True, affine=True, stride=stride)
    net = CopyPasteNet(config).eval()
    with torch.no_grad():
        torch.testing.assert_close(net(source, target, mask, target), target)
        nn.init.constant_(net.up[-1].plain.bias, 0.25)  # A is 1/4 everywhere, b and c too
        assert net.transform(source, mask, target).shape == (1, 13, 24 // stride, 32 // stride)
        expected = source.sum(1, keepdim=True) * 0.25 + 0.25 + target + 0.25 * (target - source)
        torch.testing.assert_close(net(source, target, mask, target), torch.where(mask > 0, expected, target))


def test_only_affine_answers_may_be_coarse() -> None:
    with pytest.raises(ValueError, match="stride"):
        CopyPasteConfig(stride=4)
    with pytest.raises(ValueError, match="stride"):
        CopyPasteConfig(affine=True, stride=3)


def test_the_poisson_solution_is_asked_for_in_words() -> None:
    source, target, mask = images()
    with pytest.raises(ValueError, match="needs the Poisson"):
        CopyPasteNet(CopyPasteConfig(width=4, poisson=True))(source, target, mask)
    with pytest.raises(ValueError, match="does not take"):
        CopyPasteNet(NARROW)(source, target, mask, poisson=target)


def test_affine_answers_are_a_matrix_and_a_shift_for_every_pixel() -> None:
    generator = torch.Generator().manual_seed(4)
    transform, image = (torch.randn(1, c, 2, 3, generator=generator) for c in (12, 3))
    added = apply_transform(transform, image)
    for y in range(2):
        for x in range(3):
            matrix, shift = transform[0, :9, y, x].view(3, 3), transform[0, 9:, y, x]
            torch.testing.assert_close(added[0, :, y, x], matrix @ image[0, :, y, x] + shift)


def test_one_image_is_not_changed_by_the_others_of_its_batch() -> None:
    source, target, mask = images()
    net = trained_a_little()
    with torch.no_grad():
        both = net(torch.cat([source, target]), torch.cat([target, source]), mask.expand(2, -1, -1, -1))
        torch.testing.assert_close(both[:1], net(source, target, mask), atol=1e-3, rtol=0)
