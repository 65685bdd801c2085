"""DeepLab-LFOV (Chen et al. 2014) as used in "Portrait Segmentation and Background Stylization".

VGG-16 whose last two pooling layers keep the resolution; block 5 and the first former dense layer are atrous instead,
so that every filter sees what it saw before, at stride 8. The dense layers are convolutions: fc6 with a large field of
view (3 x 3, rate 12).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from models.papers.vgg import VGG16, scaled

BLOCK5_RATE = 2
FC6_RATE = 12


class DeepLabLFOV(nn.Module):
    """classes: 21 for PASCAL VOC, 2 for portraits. width: factor on all channels, 1 for the published network."""

    def __init__(self, classes: int = 21, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = VGG16(width)
        for layer in self.trunk.stages[4].modules():
            if isinstance(layer, nn.Conv2d):
                layer.dilation = layer.padding = (BLOCK5_RATE, BLOCK5_RATE)
        self.halving = nn.MaxPool2d(3, 2, 1)
        self.keeping = nn.MaxPool2d(3, 1, 1)
        hidden = scaled(1024, width)
        self.fc6 = nn.Conv2d(self.trunk.channels[-1], hidden, 3, padding=FC6_RATE, dilation=FC6_RATE)
        self.fc7 = nn.Conv2d(hidden, hidden, 1)
        self.score = nn.Conv2d(hidden, classes, 1)
        self.dropout = nn.Dropout2d()
        nn.init.normal_(self.score.weight, std=0.01)
        assert self.score.bias is not None
        nn.init.zeros_(self.score.bias)

    def scores(self, image: Tensor) -> Tensor:
        """B x 3 x H x W -> B x classes x ceil(H/8) x ceil(W/8)."""
        x = image
        for i, stage in enumerate(self.trunk.stages):
            x = stage(x)
            x = self.halving(x) if i < 3 else self.keeping(x)
        x = self.dropout(F.relu(self.fc6(x)))
        x = self.dropout(F.relu(self.fc7(x)))
        out: Tensor = self.score(x)
        return out

    def forward(self, image: Tensor) -> Tensor:
        """B x 3 x H x W, normalized by ImageNet's mean and deviation -> B x classes x H x W logits."""
        return F.interpolate(self.scores(image), image.shape[-2:], mode="bilinear", align_corners=False)

    def load_torchvision(self, state: Mapping[str, Tensor]) -> None:
        """Starts the trunk from `torchvision.models.vgg16`: dilation changes no weight's shape."""
        self.trunk.load_torchvision(state)
