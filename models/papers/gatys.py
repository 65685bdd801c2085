"""Painting by optimization (Gatys, Ecker and Bethge 2016, "Image style transfer using convolutional neural networks"):
the image whose features are a photograph's and whose Gram matrices are a painting's.

Equations are numbered as in "Portrait Segmentation and Background Stylization", section 3.4, whose layers are the
defaults. Features F of one layer are B x N x h x w, N filters at M = h w positions; images B x 3 x H x W, RGB 0..1.
The optimization goes from coarse to fine: large shapes are found where steps are cheap, and what a network can see at
once grows with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.feature_net import FeatureNet

CONTENT_LAYER = "conv5_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
STARTS = ("content", "noise")
DARKEST = 0.005  # of the image to start from: at 0 and 1 themselves the sine has no slope
DIVERGED = 4.0  # times the best loss: then the optimizer starts anew from the best image


@dataclass(frozen=True)
class GatysConfig:
    """content_weight and style_weight are alpha and beta of equation 5, for losses relative to the photograph's and the
    painting's own features; detail_weight weighs the fine detail's statistics beside the layers' (see `Detail`),
    smoothness the total variation; scale is the painting's shorter side to the image's."""

    content_layer: str = CONTENT_LAYER
    style_layers: tuple[str, ...] = STYLE_LAYERS
    content_weight: float = 1.0
    style_weight: float = 3.0
    detail_weight: float = 0.0
    smoothness: float = 0.02
    scale: float = 1.0
    steps: int = 300
    start: str = "content"
    coarsest: int = 128  # the longer side is halved as long as it stays at least this
    history: int = 10  # pairs that L-BFGS keeps, each of two images' size
    seed: int = 0

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ValueError(f"start must be one of {', '.join(STARTS)}, not {self.start!r}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")


def suited(config: GatysConfig, net: FeatureNet) -> GatysConfig:
    """The settings for a network. One much slimmer than VGG-16 is blind to noise of many kinds, with which a painting
    would fill up, unless its detail is held to the painting's and kept smooth."""
    return config if net.trunk.channels[0] >= 32 else replace(config, detail_weight=5.0, smoothness=8.0)


@dataclass(frozen=True)
class Step:
    """One step: its number from 1 and of how many; the losses it found; the best image so far at its level."""

    number: int
    total: int
    loss: float
    content: float
    style: float
    image: Tensor


def content_loss(features: Tensor, photo: Tensor) -> Tensor:
    """Equation 1: half the sum of squared differences."""
    return (features - photo).square().sum() / 2


def gram_matrix(features: Tensor) -> Tensor:
    """Equation 2 over the number of positions: G_ij = mean over k of F_ik F_jk.

    Args:
        features: B x C x H x W.

    Returns:
        B x C x C, in single precision at least: differences of such matrices are small.
    """
    with torch.autocast(features.device.type, enabled=False):
        flat = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2)
        return flat @ flat.transpose(1, 2) / flat.shape[2]


def style_loss(features: Tensor, painting: Tensor) -> Tensor:
    """Equation 3, E_l = sum of (G / M - A / M)^2 / (4 N^2), each Gram matrix over the positions of its own image.

    painting: A / M, the painting's Gram matrix; features are of any size.
    """
    return (gram_matrix(features) - painting).square().sum() / (4 * painting.shape[1] ** 2)


def colors_and_differences(image: Tensor, level: int) -> Tensor:
    """Luminance, R - luminance and B - luminance, and their differences to the neighbors across and down,
    B x 9 x h x w.

    level: how often the image is halved first.
    """
    for _ in range(level):
        image = F.avg_pool2d(image, 2, ceil_mode=True)
    luminance = image.mean(1, keepdim=True)
    planes = torch.cat([luminance, image[:, :1] - luminance, image[:, 2:] - luminance], 1)
    corner = planes[..., :-1, :-1]
    return torch.cat([corner, planes[..., :-1, 1:] - corner, planes[..., 1:, :-1] - corner], 1)


class Detail:
    """The statistics of a painting's colors and fine detail at three scales: means, covariances and mean magnitudes of
    differences (after Portilla and Simoncelli 2000). Strokes have few and large ones, noise has many small ones."""

    def __init__(self, painting: Tensor) -> None:
        self.units = []
        for level in range(3):
            unit = colors_and_differences(painting, level).square().mean((0, 2, 3), keepdim=True).sqrt()
            colors, steps = unit[:, :3], unit[:, 3:]  # a painting without colors asks for few, not for none at all
            least = [(x.max() / 5).clamp_min(1e-2) for x in (colors, steps)]
            self.units.append(torch.cat([colors.clamp_min(float(least[0])), steps.clamp_min(float(least[1]))], 1))
        self.moments = self.measured(painting)

    def measured(self, image: Tensor) -> list[Tensor]:
        """By scale, the mean products of colors, differences, their magnitudes and one, B x 16 x 16."""
        found = []
        for level, unit in enumerate(self.units):
            x = colors_and_differences(image, level) / unit
            x = torch.cat([x, (x[:, 3:].square() + 1e-4).sqrt(), torch.ones_like(x[:, :1])], 1)
            found.append(gram_matrix(x))
        return found

    def loss(self, image: Tensor) -> Tensor:
        """Mean over the scales of the relative squared difference."""
        pairs = zip(self.measured(image), self.moments, strict=True)
        return torch.stack([(found - true).square().sum() / true.square().sum() for found, true in pairs]).mean()


class Objective:
    """Equation 5 for one photograph and one painting.

    The layers' weights w_l of equation 4 make each E_l one for an image without any features, and alpha likewise, so
    that no layer outweighs another and the same settings suit every painting and every network.
    """

    def __init__(self, net: FeatureNet, photo: Tensor, painting: Tensor, config: GatysConfig) -> None:
        self.net, self.config = net, config
        self.layers = {config.content_layer, *config.style_layers}
        self.recompute = photo[0, 0].numel() > 1024**2  # a block's features again rather than all kept
        with torch.no_grad():
            self.photo = net(photo, [config.content_layer])[config.content_layer]
            found = net(painting, config.style_layers)
            self.grams = {name: gram_matrix(found[name]) for name in config.style_layers}
            nothing = {name: torch.zeros_like(found[name]) for name in config.style_layers}
            self.alpha = 1 / content_loss(torch.zeros_like(self.photo), self.photo).clamp_min(1e-12)
            self.weights = {name: 1 / style_loss(nothing[name], g).clamp_min(1e-12) for name, g in self.grams.items()}
            self.detail = Detail(painting) if config.detail_weight else None

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The relative content loss and the sum of the layers' relative style losses."""
        found = self.net(image, self.layers, self.recompute)
        for features in found.values():
            if features.requires_grad:
                features.register_hook(_passed)
        content = self.alpha * content_loss(found[self.config.content_layer], self.photo)
        style = torch.stack([w * style_loss(found[name], self.grams[name]) for name, w in self.weights.items()]).sum()
        return content, style

    def total(self, image: Tensor, content: Tensor, style: Tensor) -> Tensor:
        """Equation 5, with what keeps the image smooth and its detail the painting's."""
        config = self.config
        down, across = ((image.diff(dim=axis).square() + 1e-5).sqrt().mean() for axis in (2, 3))
        if self.detail is not None:
            style = style + config.detail_weight * self.detail.loss(image)
        return config.content_weight * content + config.style_weight * style + config.smoothness * (down + across)


def _passed(gradient: Tensor) -> None:
    """Called on the way back through the layers, which is a single call else: Python sees signals here."""


def paint(
    net: FeatureNet, photo: Tensor, painting: Tensor, config: GatysConfig, begun: Tensor | None = None
) -> Iterator[Step]:
    """Paints the photograph (1 x 3 x H x W) as the painting (1 x 3 x h x w) is painted; a `Step` after each step.

    Whoever stops listening keeps the last step's image: the best so far, of the size of its level. The last level
    has the photograph's own size. begun: such an image to go on from, at the photograph's size alone.
    """
    generator = torch.Generator().manual_seed(config.seed)
    height, width = photo.shape[-2:]
    sizes = levels(height, width, config.coarsest) if begun is None else [(height, width)]
    number, image = 0, begun
    for size, steps in zip(sizes, shares(config.steps, len(sizes)), strict=True):
        small = resized(photo, size)
        if image is None:
            noise = torch.rand(small.shape, generator=generator).to(small)
            image = noise if config.start == "noise" else small
        seen = _seen(painting, size, config.scale)
        objective = Objective(net, small, resized(painting, seen), config)
        begin = resized(image, size)
        for loss, content, style, image in _descend(objective, begin, steps):
            number += 1
            yield Step(number, config.steps, loss, content, style, image)


def _seen(painting: Tensor, size: tuple[int, int], scale: float) -> tuple[int, int]:
    """The painting's size beside an image of `size`: shorter sides are alike, but no more than four times the area."""
    height, width = painting.shape[-2:]
    ratio = min(min(size) / min(height, width), 2 * (size[0] * size[1] / (height * width)) ** 0.5) * scale
    return max(16, round(height * ratio)), max(16, round(width * ratio))


def levels(height: int, width: int, coarsest: int) -> list[tuple[int, int]]:
    """Heights and widths from coarse to fine, each twice the one before, the last the image's own."""
    halvings = 0
    while max(height, width) / 2 ** (halvings + 1) >= coarsest:
        halvings += 1
    return [(max(1, round(height / 2**n)), max(1, round(width / 2**n))) for n in range(halvings, -1, -1)]


def shares(steps: int, count: int) -> list[int]:
    """How many of all steps each level gets: half as many at each finer one, at least one at the finest."""
    weights = [2.0 ** (count - 1 - i) for i in range(count)]
    ends = [round(steps * sum(weights[: i + 1]) / sum(weights)) for i in range(count)]
    found = [end - begin for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    if found[-1] == 0:
        found[found.index(max(found))] -= 1
        found[-1] = 1
    return found


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The image at height and width `size`, averaged where that is smaller."""
    if image.shape[-2:] == size:
        return image
    smaller = size[0] < image.shape[-2]
    mode = "bilinear" if smaller else "bicubic"
    return F.interpolate(image, size, mode=mode, antialias=smaller, align_corners=False).clamp(0, 1)


def _descend(objective: Objective, start: Tensor, steps: int) -> Iterator[tuple[float, float, float, Tensor]]:
    """L-BFGS from `start`: loss, its two parts and the best image after each step.

    What moves are the arguments of a sine: the image cannot leave 0..1, and black and white are not far away.
    """
    argument = _argument(start).requires_grad_()
    best, best_argument = float("inf"), argument.detach()
    rate, parts = 1.0, (0.0, 0.0)
    optimizer = _lbfgs(argument, objective.config, rate)

    def closure() -> Tensor:
        nonlocal parts
        optimizer.zero_grad(set_to_none=True)
        image = _image(argument)
        content, style = objective(image)
        loss = objective.total(image, content, style)
        loss.backward()
        parts = (float(content.detach()), float(style.detach()))
        return loss.detach()

    for _ in range(steps):
        tried = argument.detach().clone()
        loss = float(optimizer.step(closure))  # found before the image moves
        if loss < best:
            best, best_argument = loss, tried
        elif not loss < DIVERGED * best:  # also where it is not a number
            rate /= 2
            argument = best_argument.clone().requires_grad_()
            optimizer = _lbfgs(argument, objective.config, rate)
        yield loss, *parts, _image(best_argument)


def _image(argument: Tensor) -> Tensor:
    return (1 + argument.sin()) / 2


def _argument(image: Tensor) -> Tensor:
    return (2 * image.clamp(DARKEST, 1 - DARKEST) - 1).asin()


def _lbfgs(argument: Tensor, config: GatysConfig, rate: float) -> torch.optim.LBFGS:
    """One evaluation a step; it never thinks that it is done."""
    return torch.optim.LBFGS(
        [argument], rate, max_iter=1, history_size=config.history, tolerance_grad=0, tolerance_change=0
    )
