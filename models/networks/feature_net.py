"""The feature network: VGG-16's shape with a quarter of its channels, and the same reader for VGG-16 itself.

Losses on features, Gatys' optimization and the papers' segmentation networks ask for the activations of VGG's
convolutions by name. Where the published weights are not on the machine, the bundled network answers: it is slim, free
of batch normalization, and distilled by `models/training/features/train.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from models import imagenet
from models.papers.vgg import DEPTHS, VGG16

LAYERS = tuple(f"conv{i}_{j}" for i, depth in enumerate(DEPTHS, 1) for j in range(1, depth + 1))
"""conv1_1 ... conv5_3, in their order."""

SLIM = 0.25


class FeatureNet(nn.Module):
    """Images, B x 3 x H x W, RGB 0..1, to the activations (after the ReLU) of VGG's convolutions by name.

    width: factor on VGG-16's channels, 1 for the published network. average: pool by the mean instead of the maximum,
    which Gatys et al. 2016 found to look slightly better. Layers of block n have stride 2^(n-1).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: float = SLIM, average: bool = False) -> None:
        super().__init__()
        self.trunk = VGG16(width)
        if average:
            self.trunk.pool = average_pooling()
        self.register_buffer("mean", torch.tensor(imagenet.MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(imagenet.STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, layers: Collection[str] = LAYERS, recompute: bool = False) -> dict[str, Tensor]:
        """The activations of some layers; what lies behind the last of them is not computed.

        Args:
            image: B x 3 x H x W, RGB 0..1.
            layers: names of the layers wanted, of `LAYERS`.
            recompute: forget what a block computes and compute it again when gradients are taken, for large images.

        Returns:
            B x C x h x w each, by the layer's name.

        Raises:
            ValueError: there is no such layer.
        """
        if unknown := set(layers) - set(LAYERS):
            raise ValueError(f"there is no layer {', '.join(sorted(unknown))}; there are {', '.join(LAYERS)}")
        deepest = max(LAYERS.index(layer) for layer in layers)
        found: dict[str, Tensor] = {}
        x = (image - self.mean) / self.std
        names = iter(LAYERS[: deepest + 1])
        for number, stage in enumerate(self.trunk.stages):
            block = list(islice(names, DEPTHS[number]))
            if not block:
                break
            x = self.trunk.pool(x) if number else x
            run = list(stage.children())[: 2 * len(block)]
            outputs = checkpoint(_run, run, x, use_reentrant=False) if recompute else _run(run, x)
            found |= {layer: y for layer, y in zip(block, outputs, strict=True) if layer in layers}
            x = outputs[-1]
        return found

    @torch.no_grad()
    def normalize(self, images: Iterable[Tensor], least: float = 0.0) -> None:
        """Rescales every filter so that its activation has mean one over images and positions (Gatys et al. 2016).

        images: B x 3 x H x W, RGB 0..1, of any sizes. Each filter's weights and bias are divided by its mean
        activation and the next layer's weights on it multiplied, which ReLU and pooling let through: every layer
        computes what it did, up to the scale of each channel. Filters that never answer stay as they are. least: of the
        layer's mean; quieter filters are scaled as if they had it, which few images call for.
        """
        totals: dict[str, Tensor] = {}
        positions: dict[str, int] = {}
        for image in images:
            for layer, activation in self(image).items():
                totals[layer] = totals.get(layer, torch.zeros(())) + activation.cpu().double().sum((0, 2, 3))
                positions[layer] = positions.get(layer, 0) + activation[:, 0].numel()
        before = None
        for layer, conv in zip(LAYERS, self.trunk.convolutions(), strict=True):
            mean = (totals[layer] / positions[layer]).to(conv.weight)
            mean = mean.clamp_min(least * float(mean.mean()))
            mean = torch.where(mean > 0, mean, torch.ones_like(mean))
            if before is not None:
                conv.weight.mul_(before[None, :, None, None])
            conv.weight.div_(mean[:, None, None, None])
            assert conv.bias is not None
            conv.bias.div_(mean)
            before = mean


def average_pooling() -> nn.Module:
    """In the place of VGG's maximum; rounds up like it."""
    return nn.AvgPool2d(2, ceil_mode=True)


def _run(stage: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """The outputs of a block's ReLUs."""
    outputs = []
    for layer in stage:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            outputs.append(x)
    return outputs


def load(device: torch.device | str = "cpu", average: bool = False) -> FeatureNet:
    """VGG-16 where its weights were fetched and nothing else is set for the role, else the bundled network; for
    inference, no gradients of its weights.

    Raises WeightsError where there is neither.
    """
    from models.zoo import roles, store

    published = roles.choose("features")
    net = bundled(average) if published is None else FeatureNet(1.0, average)
    if published is not None:
        net.trunk.load_torchvision(store.load(published.name)[0].state_dict())
    return net.eval().requires_grad_(False).to(device)


def bundled(average: bool = False) -> FeatureNet:
    """The network that comes along. Raises WeightsError where this installation has none."""
    from models.zoo import store

    if "features" not in store.names():
        raise store.WeightsError("this installation has no feature network. Run `inlay models fetch vgg16` first.")
    net, _ = store.load("features")
    assert isinstance(net, FeatureNet)
    if average:
        net.trunk.pool = average_pooling()
    return net
