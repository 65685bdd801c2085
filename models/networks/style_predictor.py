"""Any image as the style, in one pass (Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural
artistic stylization network").

A predictor looks at the style image and answers with a style code, the scales and shifts of every normalization of
`TransformerNet`; the network then paints as for a style that it has learned. What the predictor reads off the style
image are means and deviations of features over the image: a style is what is everywhere in it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.feature_net import SLIM, FeatureNet
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.zoo.style_presets import PHOTOGRAPH

READ = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
STYLE_IMAGE = "style image"
"""The name of the style that `AnyStyle.painter` has read off an image."""

SIDE = 384  # px, shorter side at which style images are looked at: the strokes come out as large as they are there


@dataclass(frozen=True)
class AnyStyleConfig:
    """Width and depth of the transformation network, and the size of the predictor."""

    width: int = 16
    blocks: int = 5
    encoder_width: float = SLIM
    bottleneck: int = 100  # numbers that a style comes to, as many as in the paper


class StylePredictor(nn.Module):
    """Style images, B x 3 x h x w, RGB 0..1, to codes, B x `length`."""

    center: Tensor
    spread: Tensor

    def __init__(self, length: int, config: AnyStyleConfig) -> None:
        super().__init__()
        self.encoder = FeatureNet(config.encoder_width)
        read = 2 * sum(self.encoder.trunk.channels)
        self.register_buffer("center", torch.zeros(read))
        self.register_buffer("spread", torch.ones(read))
        self.hidden = nn.Linear(read, 256)
        self.bottleneck = nn.Linear(256, config.bottleneck)
        self.head = nn.Linear(config.bottleneck, length)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def statistics(self, style: Tensor) -> Tensor:
        """Means and deviations of every channel of the layers in `READ`, B x D."""
        found = self.encoder(style, READ)
        parts = []
        for layer in READ:
            x = found[layer].float().flatten(2)
            parts += [x.mean(2), (x.var(2, correction=0) + 1e-6).sqrt()]
        return torch.cat(parts, 1)

    @torch.no_grad()
    def fit(self, statistics: Tensor) -> None:
        """Takes the mean and deviation of each statistic over many images, N x D, to normalize by."""
        self.center.copy_(statistics.mean(0))
        self.spread.copy_(statistics.std(0).clamp_min(1e-3))

    def forward(self, style: Tensor) -> Tensor:
        x = (self.statistics(style) - self.center) / self.spread
        code: Tensor = self.head(F.relu(self.bottleneck(F.relu(self.hidden(x)))))
        return code


class AnyStyle(nn.Module):
    """A transformation network and the predictor of its codes. The network's own codes are the photograph's, which
    reproduces the image, and under `base` the one from which predicted codes depart."""

    def __init__(self, config: AnyStyleConfig) -> None:
        super().__init__()
        self.config = config
        self.net = TransformerNet(TransformerNetConfig((PHOTOGRAPH,), config.width, config.blocks))
        self.base = nn.Parameter(self.net.codes.detach().clone())
        with torch.no_grad():
            self.base[:, -1] = 0  # a style brings its own brightness
        self.predictor = StylePredictor(self.base.shape[1], config)

    def code(self, style: Tensor, strength: Tensor | float = 1.0) -> Tensor:
        """B x L; strength, one or B x 1, 0..1: how far from the photograph's code to the style's."""
        photograph = self.net.codes
        code: Tensor = photograph + strength * (self.base + self.predictor(style) - photograph)
        return code

    @torch.no_grad()
    def painter(self, style: Tensor) -> TransformerNet:
        """A transformation network that holds the style of one image, 1 x 3 x h x w, beside the photograph's."""
        net = copy.deepcopy(self.net)
        net.config = replace(net.config, styles=(PHOTOGRAPH, STYLE_IMAGE))
        net.codes = nn.Parameter(torch.cat([self.net.codes, self.code(style)]), requires_grad=False)
        return net

    def forward(self, image: Tensor, style: Tensor, strength: Tensor | float = 1.0) -> Tensor:
        """Images restyled as the style images are, all RGB 0..1; see `TransformerNet` for their sizes."""
        out: Tensor = self.net(image, self.code(style, strength))
        return out


def any_style(**settings: float) -> AnyStyle:
    """The network of a card's settings (see AnyStyleConfig)."""
    return AnyStyle(AnyStyleConfig(**settings))  # type: ignore[arg-type]  # TOML keeps whole numbers whole
