"""The discriminator of the copy-paste network: a global and a local branch, joined by one linear layer.

Portenier et al. 2019, section 3.2, after Portenier et al. 2018, "FaceShop", and Iizuka et al. 2017: the global branch
sees the whole image, the local one a window of half the side around the pasted content. It is conditional: beside
the image it sees the generator's input. There is no normalization over a batch, which a gradient penalty forbids
(Gulrajani et al. 2017).
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS = 7  # the image, the composite given to the generator, the mask
LAST_SIDE = 4  # pixels a side before the linear layer
SLOPE = 0.2


class Branch(nn.Module):
    """Strided convolutions from `side` pixels down to 4 x 4, channels doubling up to eight times the width."""

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        layers = (side // LAST_SIDE).bit_length() - 1
        channels = [INPUTS] + [width * 2 ** min(i, 3) for i in range(layers)]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2, padding=2) for a, b in pairwise(channels))
        self.features = channels[-1] * LAST_SIDE**2

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
        return x.flatten(1)


def windows_around(mask: Tensor, side: int) -> Tensor:
    """Top left corners (y, x), B x 2, of windows of that side, centered on what the masks (B x 1 x H x W) hold and kept
    inside the image. An empty mask gets the image's center."""
    corners = []
    for length, dim in ((mask.shape[2], 2), (mask.shape[3], 3)):
        held = (mask > 0).any(dim=5 - dim).squeeze(1)  # B x length
        first = held.int().argmax(1)
        last = length - 1 - held.flip(1).int().argmax(1)
        corners.append(((first + last + 1) // 2 - side // 2).clamp(0, length - side))
    return torch.stack(corners, 1)


def cut(x: Tensor, corners: Tensor, side: int) -> Tensor:
    """The windows with these corners, B x C x side x side."""
    pairs = zip(x, corners.cpu().tolist(), strict=True)
    return torch.stack([image[:, top : top + side, left : left + side] for image, (top, left) in pairs])


class Discriminator(nn.Module):
    """Realness of images of `side` x `side` pixels (a power of two, 16 or more), one unbounded value each."""

    def __init__(self, side: int = 512, width: int = 64) -> None:
        super().__init__()
        if side < 16 or side & (side - 1):
            raise ValueError(f"side {side}: choose a power of two, at least 16")
        self.side = side
        self.whole = Branch(side, width)
        self.near = Branch(side // 2, width)
        self.join = nn.Linear(self.whole.features + self.near.features, 1)

    def forward(self, image: Tensor, pasted: Tensor, mask: Tensor) -> Tensor:
        """B values for images (B x 3), the composites the generator was given (B x 3), 0..1, and masks (B x 1).

        Raises ValueError for images of another size.
        """
        if image.shape[2:] != (self.side, self.side):
            raise ValueError(f"this discriminator was built for {self.side} x {self.side} pixels")
        x = torch.cat([image * 2 - 1, pasted * 2 - 1, mask], 1)
        side = self.side // 2
        near = cut(x, windows_around(mask, side), side)
        out: Tensor = self.join(torch.cat([self.whole(x), self.near(near)], 1))
        return out.squeeze(1)
