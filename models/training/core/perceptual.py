"""Features of a classifier as a measure of likeness: what losses on features, and scores, are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from models import imagenet

VGG_POOLS = (4, 9, 16)  # pool1 to pool3 of VGG-16's `features`
SQUEEZENET_POOLS = (2, 6, 11)  # its three pooling layers
SQUEEZENET_SCORE = (1, 3, 4, 7, 9, 12)


class FeatureNetwork(nn.Module):
    """A classifier's features at some of its layers; images are B x 3 x H x W, RGB 0..1."""

    mean: Tensor
    std: Tensor

    def __init__(self, layers: nn.Sequential, taps: Sequence[int]) -> None:
        super().__init__()
        self.layers, self.taps = layers[: max(taps) + 1].eval().requires_grad_(False), frozenset(taps)
        self.register_buffer("mean", torch.tensor(imagenet.MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(imagenet.STD).view(1, 3, 1, 1))

    @classmethod
    def squeezenet(cls, weights: Path, taps: Sequence[int] = SQUEEZENET_POOLS) -> FeatureNetwork:
        """SqueezeNet 1.0 with torchvision's weights (safetensors)."""
        net = torchvision.models.squeezenet1_0(weights=None)
        net.load_state_dict(load_file(weights))
        return cls(net.features, taps)

    @classmethod
    def vgg16(cls, taps: Sequence[int] = VGG_POOLS) -> FeatureNetwork:
        """VGG-16, of the weights that were fetched. Raises WeightsError when they were not."""
        from models.zoo import store

        layers = store.load("vgg16")[0].features
        assert isinstance(layers, nn.Sequential)
        return cls(layers, taps)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = (image - self.mean) / self.std
        found = []
        for i, layer in enumerate(self.layers):
            # the out-of-place ReLU keeps tap values that an in-place one would overwrite
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if i in self.taps:
                found.append(x.float())
        return found


def feature_distance(net: FeatureNetwork, a: Tensor, b: Tensor) -> Tensor:
    """Squared difference of features of unit length per pixel, mean over the image, summed over taps; a value a
    image (after Zhang et al. 2018, without its learned weights)."""

    def unit(features: Tensor) -> Tensor:
        return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-8)

    pairs = zip(net(a), net(b), strict=True)
    return torch.stack([(unit(x) - unit(y)).square().sum(1).mean((1, 2)) for x, y in pairs]).sum(0)
