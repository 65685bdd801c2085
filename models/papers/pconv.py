"""Inpainting with partial convolutions: G. Liu et al., "Image Inpainting for Irregular Holes Using Partial
Convolutions", ECCV 2018.

A mask is 1 where a value is known and 0 in the hole. The paper's masks have a channel for each channel of the features;
all channels that come from one layer are alike, so here a mask is held once for each such group, B x G x H x W, and
counted as often as the group has channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models import imagenet
from models.networks.smooth_fill import smooth_fill


class PartialConv2d(nn.Module):
    """Convolution over what is known alone, made up for by how much of it there is (equations 1 and 2).

    groups: how many channels each channel of the mask stands for. Beyond the border nothing is known.
    """

    count: Tensor

    def __init__(self, groups: Sequence[int], outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        inputs = sum(groups)
        self.groups, self.stride, self.padding = tuple(groups), stride, kernel // 2
        self.full = inputs * kernel * kernel  # sum(1)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_normal_(self.weight, a=0.2)
        count = torch.tensor(self.groups, dtype=torch.float32)[None, :, None, None]
        self.register_buffer("count", count.repeat(1, 1, kernel, kernel), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x: B x C x H x W; mask: B x G x H x W, 0 or 1. Returns features and their mask, B x 1 x H' x W'. Where all is
        known the mask is None, for an ordinary convolution with zeros beyond the border."""
        if mask is None:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding), None
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            known = F.conv2d(mask.float(), self.count, stride=self.stride, padding=self.padding)  # sum(M)
            ratio = torch.where(known > 0.5, self.full / known.clamp(min=1), 0)
            after = (known > 0.5).float()
        groups = zip(torch.split(x, list(self.groups), 1), torch.split(mask.to(x.dtype), 1, 1), strict=True)
        masked = torch.cat([part * known_part for part, known_part in groups], 1)
        out = F.conv2d(masked, self.weight, stride=self.stride, padding=self.padding)
        return out * ratio.to(out.dtype) + self.bias[:, None, None].to(out.dtype) * after.to(out.dtype), after


class PConvUNet(nn.Module):
    """The U-Net of the paper's table 3: width 64, depth 8.

    width: channels of the first layer; they double up to 8 times as many. depth: halvings of the image, whose sides
    must be multiples of 2 ** depth. smooth: not the paper's: the network sees the image with its hole filled
    smoothly, and the mask, and answers with what to add in the hole. All is known then and the convolutions are
    ordinary ones. It has colors to begin with, and learns in an hour what the paper's learns in days.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int = 64, depth: int = 8, smooth: bool = False) -> None:
        super().__init__()
        self.width, self.depth, self.smooth = width, depth, smooth
        channels = [width * min(2**i, 8) for i in range(depth)]
        kernels = [7, 5, 5, *[3] * depth][:depth]
        inputs = [4 if smooth else 3, *channels[:-1]]
        self.encoder = nn.ModuleList(
            PartialConv2d([a], b, k, 2) for a, b, k in zip(inputs, channels, kernels, strict=True)
        )
        self.encoder_norm = nn.ModuleList(nn.BatchNorm2d(n) for n in channels[1:])
        # from the deepest on: what comes up, what is concatenated to it, what goes on
        rising, outputs = [channels[-1], *channels[-2::-1]], [*channels[-2::-1], 3]
        self.decoder = nn.ModuleList(
            PartialConv2d([a, s], b, 3) for a, s, b in zip(rising, inputs[::-1], outputs, strict=True)
        )
        self.decoder_norm = nn.ModuleList(nn.BatchNorm2d(n) for n in outputs[:-1])
        if smooth:
            nn.init.zeros_(self.decoder[-1].weight)  # type: ignore[arg-type]  # torch does not know a list's modules
        self.frozen = False
        self.register_buffer("mean", torch.tensor(imagenet.MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(imagenet.STD).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> PConvUNet:
        super().train(mode)
        if self.frozen:
            self.encoder_norm.eval()
        return self

    def freeze_encoder_norm(self) -> None:
        """From now on the encoder's batch normalization keeps its statistics and weights: the second phase of training,
        section 3.3, because the holes' values falsify the statistics."""
        self.frozen = True
        self.encoder_norm.requires_grad_(False).eval()

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """image: B x 3 x H x W, RGB 0..1; mask: B x 1 x H x W, 1 where it is known. Returns the whole image anew, a
        `smooth` network what is known as it is; what is in the hole beforehand makes no difference.

        Raises ValueError when a side is no multiple of 2 ** depth.
        """
        if any(side % 2**self.depth for side in image.shape[-2:]):
            raise ValueError(f"the sides of {tuple(image.shape)} must be multiples of {2**self.depth}: pad the image")
        if not self.smooth:
            return self._decoded((image - self.mean) / self.std, mask) * self.std + self.mean
        start = smooth_fill(image, mask)
        seen = torch.cat([(start - self.mean) / self.std, mask], 1)
        return torch.where(mask > 0, image, start + self._decoded(seen, None) * self.std)

    def _decoded(self, x: Tensor, known: Tensor | None) -> Tensor:
        """What the last layer says of the image x, B x 3 x H x W."""
        x = x.contiguous(memory_format=torch.channels_last)
        skips = []
        for i, layer in enumerate(self.encoder):
            skips.append((x, known))
            x, known = layer(x, known)
            x = F.relu(self.encoder_norm[i - 1](x) if i else x)
        for i, layer in enumerate(self.decoder):
            skip, skip_known = skips.pop()
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            if known is not None and skip_known is not None:
                known = torch.cat([F.interpolate(known, scale_factor=2, mode="nearest"), skip_known], 1)
            x, known = layer(torch.cat([x, skip.to(x.dtype)], 1), known)
            if i < len(self.decoder_norm):
                x = F.leaky_relu(self.decoder_norm[i](x), 0.2)
        return x.float()
