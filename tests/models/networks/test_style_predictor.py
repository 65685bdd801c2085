"""A style read off an image: codes of the right length, what they depend on, and the photograph at strength 0."""

from __future__ import annotations

import torch

from models.networks.style_predictor import READ, STYLE_IMAGE, AnyStyle, AnyStyleConfig, any_style
from models.zoo.style_presets import PHOTOGRAPH

TINY = AnyStyleConfig(4, 1, 1 / 8, 10)


def tiny() -> AnyStyle:
    torch.manual_seed(0)
    net = AnyStyle(TINY).eval().requires_grad_(False)
    net.predictor.head.weight.normal_(std=0.3)
    return net


def test_a_code_tells_every_normalization_its_scale_and_shift() -> None:
    net = tiny()
    code = net.code(torch.rand(2, 3, 40, 56))
    assert code.shape == (2, sum(net.net.sizes))
    image = torch.rand(2, 3, 32, 48)
    result = net(image, torch.rand(2, 3, 40, 56))
    assert result.shape == image.shape
    assert float(result.min()) >= 0 and float(result.max()) <= 1


def test_a_new_network_predicts_its_base_code() -> None:
    torch.manual_seed(0)
    net = AnyStyle(TINY)
    with torch.no_grad():
        torch.testing.assert_close(net.code(torch.rand(1, 3, 32, 32)), net.base.detach(), atol=0.3, rtol=0)
    assert float(net.base.detach()[0, -1]) == 0  # recall
    assert float(net.net.codes.detach()[0, -1]) == 1


def test_styles_differ_by_what_is_everywhere_and_not_by_where() -> None:
    net = tiny()
    stripes = (torch.arange(64) // 4 % 2).float().expand(1, 3, 64, 64)
    shifted = stripes.roll(8, 3)
    other = stripes * torch.tensor([1.0, 0.5, 0.1]).view(1, 3, 1, 1)
    code = net.code(stripes)
    assert float((net.code(shifted) - code).abs().max()) < 0.1 * float((net.code(other) - code).abs().max())


def test_strength_goes_from_the_photograph_to_the_style() -> None:
    net, style = tiny(), torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(net.code(style, 0.0), net.net.codes)
    half = (net.code(style, 0.0) + net.code(style, 1.0)) / 2
    torch.testing.assert_close(net.code(style, 0.5), half)
    both = net.code(style.expand(2, -1, -1, -1), torch.tensor([[0.0], [1.0]]))
    torch.testing.assert_close(both, torch.cat([net.code(style, 0.0), net.code(style, 1.0)]))


def test_statistics_are_means_and_deviations_and_are_normalized_by_those_of_many_images() -> None:
    net = tiny().predictor
    images = torch.rand(6, 3, 32, 32) * torch.rand(6, 3, 1, 1)
    found = net.statistics(images)
    first = net.encoder(images, READ)["conv1_2"]
    torch.testing.assert_close(found[:, :8], first.mean((2, 3)))
    torch.testing.assert_close(found[:, 8:16], first.flatten(2).std(2, correction=0), atol=1e-3, rtol=1e-3)
    net.fit(found)
    normalized = (found - net.center) / net.spread
    assert float(normalized.mean(0).abs().max()) < 1e-4
    assert float(normalized.abs().max()) < 3


def test_its_painter_knows_the_image_as_a_style_of_its_own() -> None:
    net, style, image = tiny(), torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    painter = net.painter(style)
    torch.testing.assert_close(painter(image, painter.code({STYLE_IMAGE: 1.0})), net(image, style))
    half = painter.code({PHOTOGRAPH: 0.5, STYLE_IMAGE: 0.5})
    torch.testing.assert_close(painter(image, half), net(image, style, 0.5))
    assert net.net.config.styles == (PHOTOGRAPH,)


def test_all_of_it_is_trained() -> None:
    net = AnyStyle(TINY)
    net(torch.rand(1, 3, 16, 16), torch.rand(1, 3, 32, 32), torch.tensor([[0.5]])).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_cards_settings_build_it() -> None:
    assert any_style(width=4, blocks=1, encoder_width=0.125, bottleneck=10).config == TINY
