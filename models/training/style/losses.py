"""Perceptual losses of the styles: Gram matrices and features of a loss network, relative to their own size.

Relative, so that no tap outweighs another and the numbers mean the same for every painting.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.papers.gatys import gram_matrix
from models.training.core.perceptual import FeatureNetwork

Taps = dict[int, Tensor]

SQUEEZENET_STYLE, SQUEEZENET_CONTENT = (1, 3, 4, 7, 9), 7
VGG_STYLE, VGG_CONTENT = (3, 8, 15, 22), 15  # relu1_2, 2_2, 3_3, 4_3 of VGG-16's `features`, as Johnson et al. 2016


class LossNetwork(nn.Module):
    """A classifier's features by layer; images are B x 3 x H x W, RGB 0..1."""

    def __init__(self, network: FeatureNetwork, style_taps: Sequence[int], content_tap: int) -> None:
        super().__init__()
        self.network, self.style_taps, self.content_tap = network, tuple(style_taps), content_tap

    @classmethod
    def squeezenet(cls, weights: Path) -> LossNetwork:
        """SqueezeNet 1.0 with torchvision's weights (safetensors): what the published numbers are measured with."""
        return cls(FeatureNetwork.squeezenet(weights, SQUEEZENET_STYLE), SQUEEZENET_STYLE, SQUEEZENET_CONTENT)

    @classmethod
    def vgg16(cls) -> LossNetwork:
        """VGG-16, of the weights that were fetched. Raises WeightsError when they were not."""
        return cls(FeatureNetwork.vgg16(VGG_STYLE), VGG_STYLE, VGG_CONTENT)

    def forward(self, image: Tensor) -> Taps:
        return dict(zip(self.style_taps, self.network(image), strict=True))

    def content_loss(self, result: Taps, photo: Taps) -> Tensor:
        """Mean squared difference of the content tap over the photograph's own mean square, one value an image."""
        a, b = result[self.content_tap], photo[self.content_tap]
        return (a - b).square().mean((1, 2, 3)) / b.square().mean((1, 2, 3))


def gram_loss(result: Taps, targets: Taps) -> Tensor:
    """Sum over taps of |G(result) - G(painting)|^2 / |G(painting)|^2, one value an image.

    result: features by tap; targets: Gram matrices by tap, one an image or one for all.
    """
    each = [
        (gram_matrix(result[tap]) - gram).square().sum((1, 2)) / gram.square().sum((1, 2))
        for tap, gram in targets.items()
    ]
    return torch.stack(each).sum(0)
