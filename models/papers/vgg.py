"""VGG-16 (Simonyan and Zisserman 2015), configuration D, without its classifier: the trunk of the papers' networks."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

CHANNELS = (64, 128, 256, 512, 512)
DEPTHS = (2, 2, 3, 3, 3)
TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # places of the convolutions in torchvision's `features`


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, a multiple of 8 and at least 8."""
    return max(8, round(channels * width / 8) * 8)


class VGG16(nn.Module):
    """Five blocks of 3 x 3 convolutions, each followed by 2 x 2 max pooling that rounds up, as in Caffe.

    width: factor on all channels, 1 for the published network. blocks: how many of the five to build. padding: of the
    very first layer; FCN uses 100.
    """

    def __init__(self, width: float = 1.0, blocks: int = 5, padding: int = 1) -> None:
        super().__init__()
        self.channels = tuple(scaled(c, width) for c in CHANNELS[:blocks])
        stages = []
        before = 3
        for i, (channels, depth) in enumerate(zip(self.channels, DEPTHS, strict=False)):
            layers: list[nn.Module] = []
            for j in range(depth):
                layers += [nn.Conv2d(before, channels, 3, padding=padding if i == j == 0 else 1), nn.ReLU(inplace=True)]
                before = channels
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)
        self.pool: nn.Module = nn.MaxPool2d(2, ceil_mode=True)
        for conv in self.convolutions():
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)

    def convolutions(self) -> list[nn.Conv2d]:
        """conv1_1, conv1_2, conv2_1, ... in the paper's order."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def forward(self, x: Tensor) -> list[Tensor]:
        """B x 3 x H x W, RGB normalized by ImageNet's mean and deviation -> the outputs of the pooling layers, finest
        first."""
        pools = []
        for stage in self.stages:
            x = self.pool(stage(x))
            pools.append(x)
        return pools

    @torch.no_grad()
    def load_torchvision(self, state: Mapping[str, Tensor]) -> None:
        """Takes the weights of `torchvision.models.vgg16`; ValueError unless the width is 1."""
        for conv, place in zip(self.convolutions(), TORCHVISION, strict=False):
            weight = state[f"features.{place}.weight"]
            if conv.weight.shape != weight.shape:
                raise ValueError(
                    f"the published VGG-16 has width 1, this one {conv.weight.shape[0]} of {weight.shape[0]} channels"
                )
            conv.weight.copy_(weight)
            if conv.bias is not None:
                conv.bias.copy_(state[f"features.{place}.bias"])

    def load_features(self, state: Mapping[str, Tensor]) -> None:
        """Takes the weights of a feature network (models/networks/feature_net.py) as far as this one has blocks.

        Raises RuntimeError where the widths differ.
        """
        own = self.state_dict()
        self.load_state_dict({name: state[f"trunk.{name}"].float() for name in own})
