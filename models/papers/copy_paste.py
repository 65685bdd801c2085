"""The copy-paste network of Portenier et al. 2019, "Smart, Deep Copy-Paste".

It sees the target with the pasted content in it and the mask, and answers with what must be added to the content for
it to belong there: X = (I(1-M) + S M, M), Y = (G(X) + S) M + I(1-M), with target I, source S and mask M. Images are
RGB 0..1 and masks 0..1, B x C x H x W, of any height and width.

The paper's network has `width` 128; 40 is the slim one with 2.4 million weights. Three switches go beyond the paper:
`poisson` shows G the Poisson solution and lets it answer with what is to be added to that, `affine` lets it answer with
a color transform at every pixel, which undoes a change of contrast or hue with smooth values (and with both also how
much of Poisson's correction is to stay, which is wrong where the outline is cluttered), and `stride` leaves away
the decoder's last levels, as smooth values need no more than every fourth pixel and can be carried to an image of any
size (Gharbi et al. 2017, "Deep Bilateral Learning for Real-Time Image Enhancement").
An untrained network adds nothing: its result is the plain composite, or the Poisson solution if given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 8
DILATIONS = (2, 2, 4, 4, 8, 8, 16)
SLOPE = 0.2


@dataclass(frozen=True)
class CopyPasteConfig:
    """width: feature maps at half resolution; four times as many at an eighth. stride: the image's pixels a side for
    one of the answer's, 1, 2 or 4; more than 1 only for affine answers."""

    width: int = 128
    poisson: bool = False
    affine: bool = False
    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride not in (1, 2, 4) or (self.stride > 1 and not self.affine):
            raise ValueError(f"stride {self.stride}: choose 1, or for affine answers 2 or 4")

    @property
    def inputs(self) -> int:
        return 7 if self.poisson else 4

    @property
    def outputs(self) -> int:
        return 3 if not self.affine else 13 if self.poisson else 12


def local_response_norm(a: Tensor, eps: float = 1e-8) -> Tensor:
    """Every pixel's feature vector divided by its root mean square (equation 4)."""
    norm = torch.linalg.vector_norm(a, dim=1, keepdim=True, dtype=torch.promote_types(a.dtype, torch.float32))
    return a * torch.rsqrt(norm.square() / a.shape[1] + eps).to(a.dtype)


def activate(a: Tensor) -> Tensor:
    """Leaky ReLU, then local response normalization: what follows every convolution but the last."""
    return local_response_norm(F.leaky_relu(a, SLOPE))


def composite(residual: Tensor, source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Y = (G(X) + S) M + I(1-M); where M is 0 the target comes back bit by bit."""
    blended = (residual + source) * mask + target * (1 - mask)
    return torch.where(mask > 0, blended, target)


class NoiseAddition(nn.Module):
    """One Gaussian value a pixel, added to every feature map times that map's learned scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        device = generator.device if generator else x.device
        noise = torch.randn(len(x), 1, *x.shape[2:], generator=generator, device=device)
        return torch.addcmul(x, self.scale.to(x.dtype), noise.to(x))


class Down(nn.Module):
    """A strided and a plain 3 x 3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.strided = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.plain = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return activate(self.plain(activate(self.strided(x))))


class Up(nn.Module):
    """A transposed 4 x 4 convolution, noise, and a plain convolution that also sees the encoder's features."""

    def __init__(self, inputs: int, between: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(inputs, between, 4, stride=2, padding=1)
        self.noise = NoiseAddition(between)
        self.plain = nn.Conv2d(between + skip, outputs, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor, generator: torch.Generator | None) -> Tensor:
        """The plain convolution's values, not yet activated."""
        x = activate(self.noise(self.transposed(x), generator))
        out: Tensor = self.plain(torch.cat([x, skip.to(x.dtype)], 1))
        return out


class CopyPasteNet(nn.Module):
    """The generator G. `forward` gives the finished image Y, `residual` what G adds to the content."""

    def __init__(self, config: CopyPasteConfig) -> None:
        super().__init__()
        self.config = config
        w, inputs = config.width, config.inputs
        self.down = nn.ModuleList([Down(inputs, w), Down(w, 2 * w), Down(2 * w, 4 * w)])
        self.dilated = nn.ModuleList(nn.Conv2d(4 * w, 4 * w, 3, padding=d, dilation=d) for d in DILATIONS)
        levels = [(4 * w, 2 * w, 2 * w, 2 * w), (2 * w, w, w, w), (w, w // 2, inputs, config.outputs)]
        levels = levels[: 4 - config.stride.bit_length()]
        levels[-1] = (*levels[-1][:3], config.outputs)
        self.up = nn.ModuleList(Up(*level) for level in levels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, SLOPE)
                module.bias.data.zero_()  # type: ignore[union-attr]  # all of them have one
        nn.init.zeros_(self.last_layer().weight)  # the first answer is 0

    def last_layer(self) -> nn.Conv2d:
        """The convolution that gives the network's answer."""
        last = self.up[-1]
        assert isinstance(last, Up)
        return last.plain

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        mask: Tensor,
        poisson: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The image with the content blended in, float, not clipped.

        source, target: B x 3 x H x W; mask: B x 1 x H x W; poisson: the Poisson solution, like target, for a network
        that was built to take it; generator: of the noise. Raises ValueError where poisson is missing or unasked for.
        """
        pasted = source * mask + target * (1 - mask)
        return composite(self.residual(pasted, mask, poisson, generator), source, target, mask)

    def residual(
        self, pasted: Tensor, mask: Tensor, poisson: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """G(X), B x 3 x H x W float; pasted is I(1-M) + S M."""
        transform = self.transform(pasted, mask, poisson, generator)
        if self.config.stride > 1:
            height, width = pasted.shape[2:]
            whole = [side * self.config.stride for side in transform.shape[2:]]
            transform = F.interpolate(transform, whole, mode="bilinear")[..., :height, :width]
        if poisson is None:
            return apply_transform(transform, pasted)
        correction = poisson - pasted
        return apply_transform(transform, pasted, correction) + correction

    def transform(
        self, pasted: Tensor, mask: Tensor, poisson: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """The network's own answer: 3 channels to add, or 12 or 13 of a color transform, for `apply_transform`.

        Its sides are the image's over the stride, rounded up to what the encoder halves evenly.

        Raises ValueError when the Poisson solution is missing or not wanted.
        """
        if (poisson is not None) != self.config.poisson:
            raise ValueError(
                f"This network {'needs' if self.config.poisson else 'does not take'} the Poisson solution: "
                f"{'pass' if self.config.poisson else 'leave out'} poisson=."
            )
        images = [pasted * 2 - 1, mask] + ([] if poisson is None else [poisson * 2 - 1])
        height, width = pasted.shape[2:]
        x = F.pad(torch.cat(images, 1), (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        x = x.contiguous(memory_format=torch.channels_last)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for layer in self.dilated:
            x = activate(layer(x))
        for i, up in enumerate(self.up):
            x = up(x, skips[-1 - i], generator)
            if i + 1 < len(self.up):
                x = activate(x)
        return x.float() if self.config.stride > 1 else x[..., :height, :width].float()


def apply_transform(transform: Tensor, image: Tensor, correction: Tensor | None = None) -> Tensor:
    """What the transform adds to the image: itself (3 channels), or A p + b at every pixel p (9 of A, row by row, 3
    of b), and with a 13th channel so many times more of `correction`, B x 3 x H x W."""
    if transform.shape[1] == 3:
        return transform
    added = transform[:, 9:12]
    for column in range(3):
        added = torch.addcmul(added, transform[:, column:9:3], image[:, column : column + 1])
    return added if correction is None else torch.addcmul(added, transform[:, 12:], correction)


def copy_paste_net(**settings: Any) -> CopyPasteNet:
    """An untrained network from the settings of a card, see `CopyPasteConfig`."""
    return CopyPasteNet(CopyPasteConfig(**settings))
