"""Image transformation network of Johnson et al. 2016 with conditional instance normalisation (Dumoulin et al. 2017).

One network holds many styles: every normalisation takes its scale and shift from a style code, and a code is all that
tells one style from another. Codes mix: halfway between the codes of two paintings lies a blend of both, halfway to
the `photograph` code, which is trained to reproduce its input, lies half the strength.

Differences from the 2016 network: nearest-neighbour upsampling before plain convolutions instead of transposed ones
(no checkerboards; Odena et al. 2016), reflection padding everywhere, and `width` channels where it has 32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Statistics = list[tuple[Tensor, Tensor]]
"""Mean and variance of every normalisation in order, each B x C x 1 x 1."""


@dataclass(frozen=True)
class TransformerNetConfig:
    styles: tuple[str, ...] = ("photograph",)
    width: int = 16
    blocks: int = 5


class ConditionalInstanceNorm(nn.Module):
    """Instance normalisation whose scale and shift are given with the input (Dumoulin et al. 2017, equation 5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(
        self, x: Tensor, code: Tensor, given: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x: B x C x H x W; code: B x 2C, scale then shift; given: statistics to use instead of x's own."""
        wide = x.float()
        mean, variance = given or (wide.mean((2, 3), keepdim=True), wide.var((2, 3), correction=0, keepdim=True))
        scale, shift = code.float()[..., None, None].chunk(2, dim=1)
        gain = scale * torch.rsqrt(variance + 1e-5)
        return x * gain.to(x.dtype) + (shift - mean * gain).to(x.dtype), (mean, variance)


class ConvNorm(nn.Module):
    """Reflection-padded convolution and its normalisation, with upsampling before where asked for."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, upsample: int = 1) -> None:
        super().__init__()
        self.upsample, self.margin = upsample, kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.norm = ConditionalInstanceNorm(outputs)

    def forward(
        self, x: Tensor, code: Tensor, given: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if self.upsample > 1:
            x = F.interpolate(x, scale_factor=self.upsample, mode="nearest")
        x = self.conv(F.pad(x, [self.margin] * 4, mode="reflect"))
        out: tuple[Tensor, tuple[Tensor, Tensor]] = self.norm(x, code, given)
        return out


class TransformerNet(nn.Module):
    """Pictures to stylised pictures, both B x 3 x H x W, RGB 0..1; H and W multiples of 4, at least 16.

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
        self.sizes = [2 * layer.norm.channels for layer in self.layers()]
        start = torch.cat([torch.cat([torch.ones(n // 2), torch.zeros(n // 2)]) for n in self.sizes])
        self.codes = nn.Parameter(start.repeat(len(config.styles), 1))

    def layers(self) -> list[ConvNorm]:
        """Every normalised convolution, in the order of its part of the code."""
        return [*self.down, *self.residual, *self.up, self.out]  # type: ignore[list-item]  # ModuleList is untyped

    def code(self, weights: dict[str, float]) -> Tensor:
        """The mixture of styles with these weights, 1 x L. Raises KeyError on a style the network does not hold."""
        rows = {name: i for i, name in enumerate(self.config.styles)}
        return sum((weight * self.codes[rows[name]] for name, weight in weights.items()), torch.zeros(()))[None]

    def forward(self, image: Tensor, code: Tensor, statistics: Statistics | None = None) -> Tensor:
        """`statistics`, as `measure` gives them, replace the picture's own: a tile then looks as in the whole."""
        return self._run(image, code, statistics)[0]

    def measure(self, image: Tensor, code: Tensor) -> Statistics:
        """The statistics with which this picture is normalised."""
        return self._run(image, code, None)[1]

    def _run(self, image: Tensor, code: Tensor, statistics: Statistics | None) -> tuple[Tensor, Statistics]:
        parts = iter(code.expand(len(image), -1).split(self.sizes, dim=1))
        given = iter(statistics) if statistics is not None else None
        seen: Statistics = []

        def layer(module: nn.Module, x: Tensor) -> Tensor:
            x, used = module(x, next(parts), next(given) if given else None)
            seen.append(used)
            return x

        x = image * 2 - 1
        for module in self.down:
            x = F.relu(layer(module, x))
        for first, second in zip(self.residual[::2], self.residual[1::2], strict=True):
            x = x + layer(second, F.relu(layer(first, x)))
        for module in self.up:
            x = F.relu(layer(module, x))
        return torch.sigmoid(layer(self.out, x).float()), seen
