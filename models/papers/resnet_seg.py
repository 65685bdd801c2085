"""CNN + ResNet of "Portrait Segmentation and Background Stylization", section 2.3.1: three blocks of VGG-16, a residual
block, one output."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from models.papers.vgg import VGG16


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch-norm around an identity (He et al. 2016, figure 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


class ResNetSeg(nn.Module):
    """Foreground against background from a shallow network. width: factor on all channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = VGG16(width, blocks=3)
        self.residual = ResidualBlock(self.trunk.channels[-1])
        self.logit = nn.Conv2d(self.trunk.channels[-1], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """B x 3 x H x W, normalized by ImageNet's mean and deviation -> B x 1 x H x W logits of the foreground."""
        x = self.logit(self.residual(self.trunk(image)[-1]))
        return F.interpolate(x, image.shape[-2:], mode="bilinear", align_corners=False)
