"""Trains the feed-forward styles (Johnson et al. 2016; Dumoulin et al. 2017): many paintings, one network.

Every batch mixes styles. A few of its images are asked for as photographs (reproduce the input), a few as something
between a photograph and a style, so that the strength slider has been practiced. Two things are steered while the run
goes on: styles whose Gram loss lags behind weigh more, and the weight of the Gram losses as a whole rises or falls
until the content loss settles at its target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.training.core.checkpoint import Exported
from models.training.core.config import RunConfig, Sizes
from models.training.core.loading import ProgressiveResizing, batches, to_image
from models.training.core.loop import Loop, StepOptions
from models.training.core.losses import total_variation
from models.training.core.process import Process
from models.training.style.data import Crops, scoring_photos
from models.training.style.losses import LossNetwork, Taps, gram_loss
from models.training.style.scores import mean_score, painting_grams, score
from models.training.style.steering import Steering
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

JITTER = 8  # px: the loss network sees crops at any offset below this, so that no stride of it prints through
SAME = 10.0  # weight of the mean absolute error where the photograph is to be reproduced

LossNetworkName = Literal["squeezenet", "vgg16"]


@dataclass(frozen=True, kw_only=True)
class StyleConfig(RunConfig):
    """Train the feed-forward style network."""

    data: Path
    """the data folder: styles, photos/dev and reference"""
    cache: Path
    """a cache folder, for the photographs"""
    styles: tuple[str, ...] = tuple(PRESETS)
    """presets to learn, of models/zoo/style_presets.py"""
    sizes: Sizes = ((0.5, 192), (1.0, 256))
    """until which share of the run which side of the crops in pixels"""
    batch: int = 6
    """images a process and step"""
    width: int = 16
    """channels of the first layer; 32 is the paper's"""
    blocks: int = 5
    """residual blocks"""
    lr: float = 3e-3
    """peak learning rate of the layers"""
    code_lr: float = 1e-2
    """peak learning rate of the style codes: a row is drawn rarely"""
    gram_weight: float = 6.0
    """weight of the Gram loss at first; content has 1"""
    content_target: float = 1.3
    """content loss to which that weight is steered"""
    smoothness: float = 0.5
    """weight of the total variation"""
    plain: float = 0.05
    """share of images asked for as photographs, and again of those asked for at some strength"""
    loss_network: LossNetworkName = "squeezenet"
    """VGG-16 is the paper's; its weights are fetched with `inlay models get vgg16`"""
    save_minutes: float = 4.0
    """between checkpoints"""
    score_every: int = 6
    """each so-many-th photograph of photos/dev is scored during the run"""


def load_loss_network(name: str, data: Path) -> LossNetwork:
    """`squeezenet` (of the data folder) or `vgg16` (of the fetched models). Raises ValueError on other names."""
    if name == "vgg16":
        return LossNetwork.vgg16()
    if name == "squeezenet":
        return LossNetwork.squeezenet(data / "reference" / "squeezenet1_0.safetensors")
    raise ValueError(f"there is no loss network called {name!r}; there are squeezenet and vgg16")


class Styled(nn.Module):
    """The network asked by weights of its styles, B x styles: one forward pass that reaches every parameter."""

    def __init__(self, net: TransformerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, weights: Tensor) -> Tensor:
        out: Tensor = self.net(image, weights @ self.net.codes)
        return out


def cycle(styles: int, seed: int) -> Iterator[int]:
    """Style numbers without end, each as often as any other."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(styles, generator=generator).tolist()


def draw_strengths(count: int, plain: float, generator: torch.Generator) -> Tensor:
    """Strength of the style for each of `count` images: mostly 1, a share of `plain` 0 and as many in between."""
    draw, between = torch.rand(2, count, generator=generator)
    return torch.where(draw < plain, torch.zeros(()), torch.where(draw < 2 * plain, between, torch.ones(())))


def style_weights(chosen: Tensor, strengths: Tensor, styles: int) -> Tensor:
    """B x (1 + styles): the photograph's share first, then the chosen style's."""
    weights = torch.zeros(len(chosen), 1 + styles, device=chosen.device)
    weights[:, 0] = 1 - strengths
    weights[torch.arange(len(chosen), device=chosen.device), 1 + chosen] = strengths
    return weights


def shifted_features(net: Callable[[Tensor], Taps], result: Tensor, photo: Tensor) -> tuple[Taps, Taps]:
    """Features of a result and of its photograph, B x 3 x H x W, at one random offset below JITTER."""
    dy, dx = torch.randint(0, JITTER, (2,)).tolist()
    height, width = photo.shape[2] - JITTER, photo.shape[3] - JITTER
    seen = [x[:, :, dy : dy + height, dx : dx + width] for x in (result, photo)]
    found = net(seen[0])
    with torch.no_grad():
        return found, net(seen[1])


def mixed_loss(styled: Tensor, content: Tensor, result: Tensor, photo: Tensor, strengths: Tensor) -> Tensor:
    """The mean over a batch: the style's loss by its strength, else what differs from the photograph."""
    same = SAME * (result - photo).abs().mean((1, 2, 3)) + content
    return (strengths * styled + (1 - strengths) * same).mean()


class StyleEvaluator:
    """Mean losses over the styles on photos/dev, and the worst Gram loss; the processes share the photographs.

    Args:
        config: of the run.
        net: the loss network.
        grams: of the paintings; see `painting_grams`.
        process: this process.
    """

    shared = True

    def __init__(self, config: StyleConfig, net: LossNetwork, grams: Taps, process: Process) -> None:
        self.config, self.net, self.grams, self.process = config, net, grams, process
        self.photos = scoring_photos(config.data / "photos" / "dev", config.score_every)

    def score(self, net: TransformerNet) -> dict[str, float]:
        """`gram`, `content`, `worst`, and the Gram loss by style."""
        scores = score(net, self.net, self.grams, self.photos, self.process, self.config.bf16)
        gram, content = mean_score(scores)
        by_style = {name: scores[name][0] for name in self.config.styles}
        return {"gram": gram, "content": content, "worst": max(by_style.values()), **by_style}

    def objective(self, scores: dict[str, float]) -> float:
        """The Gram loss and a tenth of the content loss."""
        return scores["gram"] + 0.1 * scores["content"]


class StyleTraining:
    """A run: network, loss network, steering and loop."""

    def __init__(self, config: StyleConfig) -> None:
        self.config, self.process = config, Process.start()
        device = self.process.device
        torch.manual_seed(config.seed)
        settings = TransformerNetConfig((PHOTOGRAPH, *config.styles), config.width, config.blocks)
        net = TransformerNet(settings).to(device).to(memory_format=torch.channels_last)
        self.loss_network = load_loss_network(config.loss_network, config.data)
        self.loss_network = self.loss_network.to(device).to(memory_format=torch.channels_last)
        self.features: Callable[[Tensor], Taps] = (
            torch.compile(self.loss_network, dynamic=False) if config.compiled else self.loss_network
        )
        self.grams = painting_grams(self.loss_network, config.data / "styles", config.styles, device)
        self.steering = Steering(len(config.styles), config.gram_weight, config.content_target, device)
        codes = {"params": [net.codes], "lr": config.code_lr}
        layers = {"params": [p for name, p in net.named_parameters() if name != "codes"], "lr": config.lr}
        self.loop = Loop(
            net,
            torch.optim.Adam([layers, codes], betas=(0.9, 0.99)),
            self.process,
            config,
            evaluator=StyleEvaluator(config, self.loss_network, self.grams, self.process),
            options=StepOptions(module=Styled(net)),
            extra={"steering": self.steering},
            exported=Exported(asdict(settings)),
        )

    def step(self, photo: Tensor, chosen: Tensor, strengths: Tensor, progress: float) -> None:
        """One step of the optimizer and of the steering.

        Args:
            photo: B x 3 x S x S, 0..1, on the device.
            chosen: numbers of styles, B, on the device.
            strengths: 0..1, B, on the device.
            progress: of the run, 0..1.
        """
        with self.loop.autocast():
            result = self.loop.forward(photo, style_weights(chosen, strengths, len(self.config.styles)))
            found, true = shifted_features(self.features, result, photo)
        gram = gram_loss(found, {tap: g[chosen] for tap, g in self.grams.items()})
        content = self.loss_network.content_loss(found, true)
        weight = self.steering.gram_weight * self.steering.weights()[chosen]
        styled = weight * gram + content + self.config.smoothness * total_variation(result)
        loss = mixed_loss(styled, content, result, photo, strengths)
        self.loop.update({"loss": loss}, self.steering.columns())
        self._steer(gram.detach(), content.detach(), chosen, strengths == 1, progress)

    def _steer(self, gram: Tensor, content: Tensor, chosen: Tensor, full: Tensor, progress: float) -> None:
        """By the losses of the images at full strength, of all processes."""
        sums = torch.zeros(3, len(self.config.styles), device=self.process.device)
        for row, values in enumerate((gram * full, full.float(), content * full)):
            sums[row].index_add_(0, chosen, values)
        grams, counts, contents = self.process.total(sums)
        if counts.sum() > 0:
            self.steering.update(grams, counts, float(contents.sum() / counts.sum()), progress)


def train(config: StyleConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    run = StyleTraining(config)
    process, device = run.process, run.process.device
    seed = process.seed(config.seed + run.loop.step + 1)
    chosen, generator = cycle(len(config.styles), seed), torch.Generator().manual_seed(seed)
    photos = ProgressiveResizing(
        config.sizes, lambda size: batches(Crops(config.cache, size, process.seed(config.seed + run.loop.step)), config)
    )
    for progress in run.loop:
        strengths = draw_strengths(config.batch, config.plain, generator).to(device)
        styles = torch.tensor([next(chosen) for _ in range(config.batch)]).to(device)
        run.step(to_image(photos.next(progress), device), styles, strengths, progress)
    return run.loop.scores
