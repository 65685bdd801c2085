"""The harmonizer: from a small composite and its mask to a smooth color transform for the pasted pixels.

Like PCT-Net (Guerreiro et al. 2023, "PCT-Net: Full Resolution Image Harmonization Using Pixel-Wise Color
Transformations") it never draws a pixel: it answers with the parameters of a color transform in a few dimensions, on a
coarse grid, which is enlarged bilinearly and applied to the full-size pixels (Gharbi et al. 2017). Detail is the pasted
image's own by construction. With u = x + q x (1 - x) - 1/2, a curve for each channel, the transform is
y = A u + 1/2 + b, where

- the slopes of the curves are positive, as |q| <= CURVE < 1;
- the diagonal of A is within 1/MOST_GAIN .. MOST_GAIN and outweighs the rest of its row, so that A can be inverted;
- within an object the parameters differ by a bounded amount from their common part.

The encoder is MobileNetV2's up to stride 16 (Sandler et al. 2018). Means and deviations of object and background on
every level, their histograms and a token for each of 8 x 8 cells meet in three layers of attention (Vaswani et al.
2017). What the outline suggests (`models/networks/outline.py`) is seen, too, and a gate for each parameter says how far
to follow it: all the way for something cut out of the same scene, not at all where it shows another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models import imagenet
from models.networks.outline import CELL_FACTS, FACTS, OutlineEstimate, outline_estimate
from models.networks.subject_net import BLOCKS, InvertedResidual, ScaledConv

SIDE = 128  # pixels a side of what the network sees
GRID = 8  # cells a side of its answer
PARAMETERS = 15  # 3 of the curves, 9 of the matrix row by row, 3 of the offset
CURVE, MOST_GAIN, CROSS, OFFSET = 0.8, 3.0, 0.45, 0.5
LOCAL = 0.6  # of the raw parameters: by so much a cell may differ from the common ones
BINS = 12  # of a histogram
STAGES = 5  # of the encoder's blocks in table 2 of the MobileNetV2 paper
MOST_RAW = 0.95  # of the bounds: as far as what the outline suggests is taken
CLOSED = -1.0  # where the gates start, before the sigmoid
TAPS = {0: 16, 2: 24, 5: 32, 12: 96}  # block -> channels, whose statistics are taken


class Harmonizer(nn.Module):
    """B x 3 x 128 x 128 composites, RGB 0..1, B x 1 x 128 x 128 masks, and B x 26 x 8 x 8 moments of the outline to
    B x 15 x 8 x 8 parameters."""

    mean: Tensor
    std: Tensor

    def __init__(self, width: int = 192, layers: int = 3, heads: int = 6) -> None:
        super().__init__()
        self.stem = ScaledConv(3, 32, 3, 2)
        self.stem_mask = nn.Conv2d(2, 32, 3, 2, 1, bias=False)
        nn.init.zeros_(self.stem_mask.weight)
        blocks: list[nn.Module] = []
        channels = 32
        for expansion, out, repeats, stride in BLOCKS[:STAGES]:
            for i in range(repeats):
                blocks.append(InvertedResidual(channels, out, stride if i == 0 else 1, expansion))
                channels = out
        self.blocks = nn.ModuleList(blocks)
        statistics = 4 * (3 + sum(TAPS.values())) + 2 * 3 * BINS + 9 + FACTS + PARAMETERS
        self.statistics = nn.Sequential(nn.Linear(statistics, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.cells = nn.Linear(96 + 32 + 24 + 8 + CELL_FACTS + PARAMETERS, width)
        self.position = nn.Parameter(torch.randn(1, GRID * GRID, width) * 0.02)
        self.attention = nn.ModuleList(Attention(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head_global, self.head_local = nn.Linear(width, PARAMETERS), nn.Linear(width, PARAMETERS)
        for head in (self.head_global, self.head_local):  # the first answer is next to the identity
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.zeros_(head.bias)
        self.gate = nn.Linear(width, PARAMETERS)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, CLOSED)
        self.register_buffer("mean", torch.tensor(imagenet.MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(imagenet.STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, composite: Tensor, mask: Tensor, moments: Tensor) -> Tensor:
        """The bounded parameters, for `color_transform`; moments: see `outline_moments`. Raises ValueError for images
        of another size."""
        if composite.shape[1:] != (3, SIDE, SIDE) or mask.shape[1:] != (1, SIDE, SIDE):
            raise ValueError(f"the harmonizer sees {SIDE} x {SIDE} pixels: resize composite and mask to that")
        features = [feature.float() for feature in self._encode(composite, mask)]
        outline = outline_estimate(moments)
        common, local = _suggested(outline)
        facts = list(_statistics(composite, mask, features))
        summary = self.statistics(torch.cat([*facts, outline.facts, common], 1))
        cells = torch.cat([_cells(composite, mask, features), outline.cells, local], 1)
        tokens = self.cells(cells.flatten(2).transpose(1, 2))
        tokens = torch.cat([summary[:, None], tokens + self.position + summary[:, None]], 1)
        for layer in self.attention:
            tokens = layer(tokens)
        tokens = self.norm(tokens)
        gates = torch.sigmoid(self.gate(tokens).float()) * outline.found[:, None]
        own = self.head_global(tokens[:, :1]).float()
        own = own + gates[:, :1] * (common[:, None] - own)
        differing = self.head_local(tokens[:, 1:]).float() + gates[:, 1:] * local.flatten(2).transpose(1, 2)
        raw = own + LOCAL * torch.tanh(differing / LOCAL)
        return bounded(raw.transpose(1, 2).unflatten(2, (GRID, GRID)))

    def _encode(self, composite: Tensor, mask: Tensor) -> Iterator[Tensor]:
        edge = F.max_pool2d(mask, 5, 1, 2) + F.max_pool2d(-mask, 5, 1, 2)
        x = self.stem((composite - self.mean) / self.std) + self.stem_mask(torch.cat([mask, edge], 1))
        x = F.relu6(x)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                yield x


class Attention(nn.Module):
    """A layer of a transformer: attention of all tokens to all, then two linear layers; B x N x width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        y: Tensor = x + self.down(F.gelu(self.up(self.norm2(x))))
        return y


def bounded(raw: Tensor) -> Tensor:
    """Any B x 15 x h x w numbers as parameters within the bounds; 0 is the identity."""
    t = torch.tanh(raw)
    gains = torch.exp(math.log(MOST_GAIN) * t[:, 3:6])
    cross = iter((CROSS * t[:, 6:12]).unbind(1))
    rows = [gains[:, i] if i == j else gains[:, i] * next(cross) for i in range(3) for j in range(3)]
    return torch.cat([CURVE * t[:, 0:3], torch.stack(rows, 1), OFFSET * t[:, 12:15]], 1)


def unbounded(matrix: Tensor, offset: Tensor) -> Tensor:
    """The raw parameters, ... x 15, whose transform is nearest to y = A u + b + 1/2, without curves."""
    gains = matrix.diagonal(dim1=-2, dim2=-1).clamp(1 / MOST_GAIN, MOST_GAIN)
    flat = (matrix / gains[..., None] / CROSS).flatten(-2)
    shares = torch.stack([flat[..., k] for k in (1, 2, 3, 5, 6, 7)], -1)
    tanh = torch.cat([gains.log() / math.log(MOST_GAIN), shares, offset / OFFSET], -1).clamp(-MOST_RAW, MOST_RAW)
    return F.pad(torch.atanh(tanh), (3, 0))


def color_transform(parameters: Tensor, image: Tensor) -> Tensor:
    """The transform of B x 3 x H x W images, RGB 0..1, not clipped; the parameters are stretched over them."""
    p = F.interpolate(parameters, image.shape[2:], mode="bilinear", align_corners=False)
    u = image + p[:, :3] * image * (1 - image) - 0.5
    y: Tensor = (p[:, 3:12].unflatten(1, (3, 3)) * u[:, None]).sum(2) + 0.5 + p[:, 12:]
    return y


def _suggested(outline: OutlineEstimate) -> tuple[Tensor, Tensor]:
    """What the outline says as raw parameters: of all, B x 15, and how each cell differs, B x 15 x 8 x 8."""
    common = unbounded(outline.matrix, outline.offset) * outline.found
    local = unbounded(outline.local_matrix, outline.local_offset) * outline.found[:, None, None]
    return common, (local - common[:, None, None]).permute(0, 3, 1, 2)


def _masked_mean(x: Tensor, weight: Tensor) -> Tensor:
    return (x * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1e-2)


def _statistics(composite: Tensor, mask: Tensor, features: list[Tensor]) -> Iterator[Tensor]:
    """Of object and background: means and deviations on every level, histograms, mean logarithms, and areas."""
    for feature in [composite - 0.5, *features]:
        inside = F.interpolate(mask, feature.shape[2:], mode="area") if feature.shape[2:] != mask.shape[2:] else mask
        for weight in (inside, 1 - inside):
            mean = _masked_mean(feature, weight)
            yield mean
            yield (_masked_mean((feature - mean[..., None, None]) ** 2, weight) + 1e-5).sqrt()
    small, inside = F.avg_pool2d(composite, 2), F.avg_pool2d(mask, 2)
    centers = (torch.arange(BINS, device=small.device) + 0.5) / BINS
    shares = (1 - (small[:, :, None] - centers[:, None, None]).abs() * BINS).clamp(min=0)
    for weight in (inside, 1 - inside):
        yield ((shares * weight[:, :, None]).sum((3, 4)) / (weight.sum((2, 3))[..., None] + 1e-2)).flatten(1)
    logarithm = composite.clamp(1e-3).log() / 4
    for weight in (mask, 1 - mask):
        yield _masked_mean(logarithm, weight)
    area = mask.mean((2, 3))
    yield from (area, area.sqrt(), _masked_mean(composite.amin(1, keepdim=True), mask))


def _cells(composite: Tensor, mask: Tensor, features: list[Tensor]) -> Tensor:
    """What each of 8 x 8 cells shows: features, the object's share, both mean colors, and whether the outline is in
    it."""

    def pooled(x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, GRID)

    share = pooled(mask)
    has, has_not = share > 0.02, share < 0.98
    inside = pooled(composite * mask) / (share + 1e-2) - 0.5
    outside = pooled(composite * (1 - mask)) / (1 - share + 1e-2) - 0.5
    levels = [pooled(features[3]), pooled(features[2]), pooled(features[1])]
    return torch.cat([*levels, share, inside * has, outside * has_not, (has & has_not).float()], 1)
