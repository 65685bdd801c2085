"""Image transformation network of Johnson et al. 2016 with conditional instance normalization (Dumoulin et al. 2017).

One network holds many styles: every normalization takes its scale and shift from a style code, and a code is all that
tells one style from another. Codes mix: halfway between the codes of two paintings lies a blend of both, halfway to
the `photograph` code, which is trained to reproduce its input, lies half the strength.

Differences from the 2016 network: nearest-neighbor upsampling before plain convolutions instead of transposed ones
(no checkerboards; Odena et al. 2016), reflection padding everywhere, `width` channels where it has 32, and one more
number in a code, `recall`: how much of the image's own brightness and contrast, which instance normalization takes
away, the last layer gives back. A photograph needs it; a painting brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.zoo.style_presets import PHOTOGRAPH

Moments = tuple[Tensor, Tensor]
"""Mean and variance of every channel, each B x C x 1 x 1, float32."""

STRIDE = 4  # sides of an image are multiples of this
SMALLEST = 16  # px: below it the reflected margins are longer than the layers


@dataclass(frozen=True)
class TransformerNetConfig:
    """Names of the styles, channels of the first layer, and the number of residual blocks."""

    styles: tuple[str, ...] = (PHOTOGRAPH,)
    width: int = 16
    blocks: int = 5


def moments(x: Tensor) -> Moments:
    """Mean and variance over the image of B x C x H x W, summed in float32."""
    mean = x.mean((2, 3), keepdim=True, dtype=torch.float32)
    square = (x * x).mean((2, 3), keepdim=True, dtype=torch.float32)
    return mean, (square - mean * mean).clamp(min=0)


def logits(image: Tensor) -> Tensor:
    """The inverse of the sigmoid that ends the network; black and white are held off by a fiftieth."""
    return torch.logit(image.float(), eps=0.02)


def conditional_instance_norm(x: Tensor, code: Tensor, given: Moments) -> Tensor:
    """Equation 5 of Dumoulin et al. 2017: scale * (x - mean) / deviation + shift.

    x: B x C x H x W; code: B x 2C, the scales, then the shifts; given: the moments to normalize with.
    """
    mean, variance = given
    scale, shift = code.float()[..., None, None].chunk(2, dim=1)
    gain = scale * torch.rsqrt(variance + 1e-5)
    return x * gain.to(x.dtype) + (shift - mean * gain).to(x.dtype)


class ConvNorm(nn.Module):
    """Reflection-padded convolution, with upsampling before where asked for; a normalization follows it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, upsample: int = 1) -> None:
        super().__init__()
        self.upsample, self.margin = upsample, kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x inputs x H x W to B x outputs x H' x W', not yet normalized."""
        if self.upsample > 1:
            x = F.interpolate(x, scale_factor=self.upsample, mode="nearest")
        out: Tensor = self.conv(F.pad(x, [self.margin] * 4, mode="reflect"))
        return out


class TransformerNet(nn.Module):
    """Images to stylized images, both B x 3 x H x W, RGB 0..1; H and W multiples of 4, at least 16.

    `codes` holds one row per style of `config.styles`; `forward` takes any code of that length.
    """

    def __init__(self, config: TransformerNetConfig) -> None:
        super().__init__()
        w = config.width
        self.config = config
        self.down = nn.ModuleList([ConvNorm(3, w, 9), ConvNorm(w, 2 * w, 3, 2), ConvNorm(2 * w, 4 * w, 3, 2)])
        self.residual = nn.ModuleList(ConvNorm(4 * w, 4 * w, 3) for _ in range(2 * config.blocks))
        self.up = nn.ModuleList([ConvNorm(4 * w, 2 * w, 3, upsample=2), ConvNorm(2 * w, w, 3, upsample=2)])
        self.out = ConvNorm(w, 3, 9)
        self.sizes = [*(2 * layer.conv.out_channels for layer in self.layers()), 1]
        ones_then_zeros = torch.cat([(torch.arange(n) < n // 2).float() for n in self.sizes])
        self.codes = nn.Parameter(ones_then_zeros.repeat(len(config.styles), 1))
        if PHOTOGRAPH in config.styles:
            with torch.no_grad():
                self.codes[config.styles.index(PHOTOGRAPH), -1] = 1

    def layers(self) -> list[ConvNorm]:
        """Every normalized convolution, in the order of its part of the code."""
        return [layer for layer in self.modules() if isinstance(layer, ConvNorm)]

    def code(self, weights: dict[str, float]) -> Tensor:
        """The mixture of styles with these weights, 1 x L. Raises KeyError on a style the network does not hold."""
        rows = {name: i for i, name in enumerate(self.config.styles)}
        return torch.stack([weight * self.codes[rows[name]] for name, weight in weights.items()]).sum(0)[None]

    def forward(self, image: Tensor, code: Tensor, statistics: list[Moments] | None = None) -> Tensor:
        """Images in a style.

        Args:
            image: B x 3 x H x W, RGB 0..1; H and W multiples of 4, at least 16.
            code: B x L or 1 x L, as `code` gives it.
            statistics: as `measure` gives them, in place of the image's own: a tile then looks as in the whole.

        Returns:
            B x 3 x H x W, RGB 0..1.
        """
        return self._run(image, code, statistics)[0]

    def measure(self, image: Tensor, code: Tensor) -> list[Moments]:
        """The moments of this image at every normalization, in order, and last those of its `logits`."""
        return self._run(image, code, None)[1]

    def _run(self, image: Tensor, code: Tensor, statistics: list[Moments] | None) -> tuple[Tensor, list[Moments]]:
        *parts, recall = torch.split(code.expand(len(image), -1), self.sizes, dim=1)
        seen: list[Moments] = []

        def layer(module: nn.Module, x: Tensor) -> Tensor:
            x = module(x)
            at = len(seen)
            seen.append(statistics[at] if statistics is not None else moments(x))
            return conditional_instance_norm(x, parts[at], seen[at]) if at < len(parts) - 1 else x

        x = image * 2 - 1
        for module in self.down:
            x = F.relu(layer(module, x))
        for first, second in zip(self.residual[::2], self.residual[1::2], strict=True):
            x = x + layer(second, F.relu(layer(first, x)))
        for module in self.up:
            x = F.relu(layer(module, x))
        x = layer(self.out, x)
        own = statistics[-1] if statistics is not None else moments(logits(image))
        return self.finish(x, parts[-1], recall, seen[-1], own), [*seen, own]

    @staticmethod
    def finish(x: Tensor, part: Tensor, recall: Tensor, given: Moments, own: Moments) -> Tensor:
        """The last layer's normalization, and the image's own moments in its scale and shift.

        Args:
            x: B x 3 x H x W, what the last convolution gives.
            part: B x 6, scale and shift of the style.
            recall: B x 1, how much of the image's own moments is added to them.
            given: moments of `x`.
            own: moments of the image's logits.

        Returns:
            B x 3 x H x W, RGB 0..1.
        """
        recalled = torch.cat([own[1].sqrt(), own[0]], dim=1)[..., 0, 0]  # B x 6
        return torch.sigmoid(conditional_instance_norm(x.float(), part.float() + recall.float() * recalled, given))


def transformer_net(styles: Sequence[str], width: int = 16, blocks: int = 5) -> TransformerNet:
    """An untrained network from the settings of a card."""
    return TransformerNet(TransformerNetConfig(tuple(styles), width, blocks))
