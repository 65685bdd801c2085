"""Conditional instance normalization and the transformation network, against the papers and with random weights."""

import pytest
import torch

from models.networks.transformer_net import (
    TransformerNet,
    TransformerNetConfig,
    conditional_instance_norm,
    logits,
    moments,
)

STYLES = ("photograph", "wave", "scream")


@pytest.fixture
def net() -> TransformerNet:
    torch.manual_seed(0)
    net = TransformerNet(TransformerNetConfig(STYLES, 4, 1)).requires_grad_(False)
    net.codes += 0.3 * torch.randn(net.codes.shape)
    return net.eval()


def test_normalization_is_the_equation() -> None:
    x = torch.randn(2, 3, 8, 8)
    scale, shift = torch.tensor([[1.0, 2.0, -1.0]]), torch.tensor([[0.0, 0.5, 3.0]])
    got = conditional_instance_norm(x, torch.cat([scale, shift], dim=1), moments(x))
    want = torch.nn.functional.instance_norm(x) * scale[..., None, None] + shift[..., None, None]
    assert torch.allclose(got, want, atol=1e-4)


def test_any_size_that_is_a_multiple_of_four(net: TransformerNet) -> None:
    out = net(torch.rand(2, 3, 20, 36), net.code({"wave": 1.0}))
    assert out.shape == (2, 3, 20, 36)
    assert out.min() >= 0 and out.max() <= 1


def test_each_image_of_a_batch_may_have_its_own_style(net: TransformerNet) -> None:
    images = torch.rand(2, 3, 16, 16)
    together = net(images, torch.cat([net.code({"wave": 1.0}), net.code({"scream": 1.0})]))
    assert torch.allclose(together[1:], net(images[1:], net.code({"scream": 1.0})), atol=1e-5)
    assert not torch.allclose(together[:1], net(images[:1], net.code({"scream": 1.0})), atol=1e-2)


def test_codes_mix(net: TransformerNet) -> None:
    mixed = net.code({"photograph": 0.25, "scream": 0.75})
    assert torch.allclose(mixed[0], 0.25 * net.codes[0] + 0.75 * net.codes[2])
    with pytest.raises(KeyError):
        net.code({"nobody": 1.0})


def test_the_photograph_keeps_its_brightness_and_a_style_brings_its_own() -> None:
    """`recall`: without it, instance normalization would give a dark and a bright image the same answer."""
    net = TransformerNet(TransformerNetConfig(STYLES, 4, 1)).requires_grad_(False)
    bright = torch.rand(1, 3, 32, 32) * 0.3 + 0.6
    dark = bright - 0.5
    photograph, wave = net.code({"photograph": 1.0}), net.code({"wave": 1.0})
    assert net(bright, photograph).mean() - net(dark, photograph).mean() > 0.3
    assert abs(net(bright, wave).mean() - net(dark, wave).mean()) < 0.02
    assert float(photograph[0, -1]) == 1 and float(wave[0, -1]) == 0


def test_a_part_with_the_statistics_of_the_whole_looks_as_in_the_whole(net: TransformerNet) -> None:
    torch.manual_seed(1)
    image = torch.rand(1, 3, 128, 160)
    image[..., 80:] *= 0.3
    code = net.code({"wave": 1.0})
    whole = net(image, code)
    part = net(image[..., :96], code, net.measure(image, code))
    assert torch.allclose(part[..., :48], whole[..., :48], atol=1e-5)
    assert not torch.allclose(net(image[..., :96], code)[..., :48], whole[..., :48], atol=1e-2)


def test_logits_undo_the_sigmoid() -> None:
    image = torch.linspace(0.05, 0.95, 12).view(1, 3, 2, 2)
    assert torch.allclose(torch.sigmoid(logits(image)), image, atol=1e-6)
    assert torch.isfinite(logits(torch.tensor([0.0, 1.0]))).all()
