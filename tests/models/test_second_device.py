"""Every network on a device beside the CPU: those that come along, those that can be fetched, and the papers' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from models.papers import crf
from models.papers.deeplab import DeepLabLFOV
from models.papers.discriminator import Discriminator
from models.papers.fcn import FCN
from models.papers.resnet_seg import ResNetSeg
from models.papers.vgg import VGG16
from models.zoo import cards, store
from tests.fake_device import NAME, fake_device
from tests.golden import networks

SLIM = 1 / 16


class Elsewhere:
    """A network on the second device: what it is given goes there, what it answers comes back."""

    def __init__(self, called: Any) -> None:
        self._called = called

    def __call__(self, *given: Any) -> Any:
        answer = self._called(*tree_map(lambda x: x.to(NAME) if isinstance(x, Tensor) else x, given))
        return tree_map(lambda x: x.cpu() if isinstance(x, Tensor) else x, answer)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._called, name)
        return Elsewhere(found) if callable(found) else found


@pytest.mark.parametrize("name", networks.bundled())
def test_a_bundled_network_answers_there_as_on_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, _ = store.load(name)
    expected = networks.CASES[name](net)
    with fake_device(monkeypatch) as device:
        found = networks.CASES[name](Elsewhere(net.to(NAME)))
    assert "convolution" in device.seen
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value)


def image(side: int = 64) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def pasted(side: int) -> tuple[Tensor, Tensor, Tensor]:
    mask = torch.zeros(1, 1, side, side)
    mask[..., side // 4 : side // 2, side // 4 : side // 2] = 1
    return image(side), image(side), mask


def small_mask_rcnn() -> nn.Module:
    """It enlarges images to 800 pixels by itself."""
    net: Any = store.build(cards.find_card("maskrcnn_resnet50_fpn"))
    net.transform.min_size, net.transform.max_size = (64,), 64
    made: nn.Module = net
    return made


OTHERS: dict[str, tuple[Callable[[], nn.Module], tuple[Any, ...]]] = {
    **{
        name: (lambda name=name: store.build(cards.find_card(name)), (image(),))
        for name in ("deeplabv3_mobilenet_v3_large", "fcn_resnet50", "lraspp_mobilenet_v3_large", "vgg16")
    },
    "maskrcnn_resnet50_fpn": (small_mask_rcnn, ([image()[0]],)),
    **{f"FCN-{stride}s": (lambda stride=stride: FCN(stride, 21, SLIM), (image(),)) for stride in (32, 16, 8, 4)},
    "DeepLab-LFOV": (lambda: DeepLabLFOV(21, SLIM), (image(),)),
    "CNN+ResNet": (lambda: ResNetSeg(SLIM), (image(),)),
    "VGG-16": (lambda: VGG16(SLIM), (image(),)),
    "discriminator": (lambda: Discriminator(64, 8), pasted(64)),
}


@pytest.mark.parametrize("name", OTHERS)
@torch.no_grad()
def test_any_other_network_answers_there_as_on_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    build, given = OTHERS[name]
    net = build().eval()
    expected = net(*given)
    with fake_device(monkeypatch) as device:
        found = Elsewhere(net.to(NAME))(*given)
    assert "convolution" in device.seen
    torch.testing.assert_close(found, expected)


def test_the_dense_crf_answers_there_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its exact kernels; the fast ones are sparse matrices, which not every device has."""
    seen, logits = image(24)[0].permute(1, 2, 0).numpy(), image(24)[0, :2].numpy()
    expected = crf.refine(logits, seen, exact=True)
    with fake_device(monkeypatch) as device:
        found = crf.refine(logits, seen, exact=True, device=NAME)
    assert device.seen
    np.testing.assert_allclose(found, expected, atol=1e-5)
