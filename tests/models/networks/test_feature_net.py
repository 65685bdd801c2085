"""The feature network: VGG's layers by name, and the normalized network of Gatys et al."""

from __future__ import annotations

import pytest
import torch
import torchvision

from models.networks.feature_net import LAYERS, FeatureNet, bundled, load
from models.papers.fcn import FCN
from models.papers.resnet_seg import ResNetSeg
from models.zoo import store


def test_layers_are_vggs_with_their_strides() -> None:
    found = FeatureNet(1 / 8)(torch.rand(2, 3, 65, 48))
    assert tuple(found) == LAYERS
    assert len(LAYERS) == 13
    sizes = [tuple(found[f"conv{block}_1"].shape[1:]) for block in range(1, 6)]
    assert sizes == [(8, 65, 48), (16, 33, 24), (32, 17, 12), (64, 9, 6), (64, 5, 3)]
    assert all((x >= 0).all() for x in found.values())


def test_at_full_width_it_is_torchvisions_vgg() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16(weights=None).eval().requires_grad_(False)
    mine = FeatureNet(1.0).requires_grad_(False)
    mine.trunk.load_torchvision(theirs.state_dict())
    image = torch.rand(1, 3, 32, 32)
    x = theirs.features[:28]((image - mine.mean) / mine.std)  # up to the ReLU after conv5_2
    torch.testing.assert_close(mine(image, ["conv5_2"])["conv5_2"], x)


def test_only_what_is_asked_is_computed_and_what_is_not_there_is_refused() -> None:
    net = FeatureNet(1 / 8)
    calls: list[int] = []
    net.trunk.stages[2].register_forward_hook(lambda *_: calls.append(3))
    net.trunk.stages[2][0].register_forward_hook(lambda *_: calls.append(3))
    assert list(net(torch.rand(1, 3, 32, 32), ["conv2_2", "conv1_1"])) == ["conv1_1", "conv2_2"]
    assert not calls
    with pytest.raises(ValueError, match="conv6_1"):
        net(torch.rand(1, 3, 32, 32), ["conv6_1"])


def test_computing_again_changes_neither_values_nor_gradients() -> None:
    torch.manual_seed(1)
    net = FeatureNet(1 / 8).requires_grad_(False)
    image = torch.rand(1, 3, 32, 40)
    gradients = []
    for recompute in (False, True):
        x = image.clone().requires_grad_()
        sum(y.square().mean() for y in net(x, ["conv2_1", "conv4_2"], recompute).values()).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("average", [False, True])
def test_normalized_filters_have_mean_one_and_compute_the_same(average: bool) -> None:
    torch.manual_seed(2)
    net = FeatureNet(1 / 8, average).requires_grad_(False)
    with torch.no_grad():
        net.trunk.convolutions()[3].weight[5] = 0  # a filter that never answers
        net.trunk.convolutions()[3].bias[5] = -1
        net.trunk.convolutions()[6].bias.uniform_(-0.1, 0.1)
    images = [torch.rand(1, 3, 40, 56), torch.rand(2, 3, 64, 32)]
    before = [net(image) for image in images]
    net.normalize(images)
    after = [net(image) for image in images]
    for layer in LAYERS:
        mean = torch.cat([f[layer].transpose(0, 1).flatten(1) for f in after], 1).mean(1)
        old = torch.cat([f[layer].transpose(0, 1).flatten(1) for f in before], 1).mean(1)
        answers = old > 0
        torch.testing.assert_close(mean[answers], torch.ones_like(mean[answers]), atol=1e-4, rtol=0)
        assert (mean[~answers] == 0).all()
        scale = torch.where(answers, old, 1.0)[None, :, None, None]
        for a, b in zip(after, before, strict=True):
            torch.testing.assert_close(a[layer] * scale, b[layer], atol=1e-5, rtol=1e-3)


def test_quiet_filters_are_not_blown_up() -> None:
    torch.manual_seed(2)
    plain, floored = (FeatureNet(1 / 8).requires_grad_(False) for _ in range(2))
    with torch.no_grad():
        plain.trunk.convolutions()[0].weight[3] *= 1e-4
    floored.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 32, 32)
    plain.normalize([image])
    floored.normalize([image], least=0.1)
    found, quiet = (net(image, ["conv1_1"])["conv1_1"][0].mean((1, 2)) for net in (plain, floored))
    assert float(quiet[3]) < 0.01
    others = torch.arange(8) != 3
    torch.testing.assert_close(quiet[others], found[others])


def test_it_is_the_trunk_of_the_papers_networks() -> None:
    net = FeatureNet(1 / 8)
    for other in (FCN(8, classes=2, width=1 / 8), ResNetSeg(width=1 / 8)):
        other.trunk.load_features(net.state_dict())
        assert torch.equal(other.trunk.stages[2][0].weight, net.trunk.stages[2][0].weight)
    with pytest.raises(RuntimeError, match="size"):
        FCN(8, classes=2, width=1 / 4).trunk.load_features(net.state_dict())


def test_without_weights_it_says_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "names", lambda: ["vgg16"])
    monkeypatch.setattr(store, "locate", lambda card: None)
    with pytest.raises(store.WeightsError, match="models fetch vgg16"):
        bundled()
    with pytest.raises(store.WeightsError, match="models fetch vgg16"):
        load()
