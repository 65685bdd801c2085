"""Trains the feed-forward styles (Johnson et al. 2016; Dumoulin et al. 2017): many paintings, one network.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m models.training style --data DATA --cache CACHE --out RUN \\
        --minutes 45 --bf16 [--resume]

Every batch mixes styles. A few of its pictures are asked for as photographs (reproduce the input), a few as something
between a photograph and a style, so that the strength slider has been practiced. Two things are steered while the run
goes on: styles whose Gram loss lags behind weigh more, and the weight of the Gram losses as a whole rises or falls
until the content loss settles at its target.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.training.core.run import Average, Clock, Process, append_row, autocast, one_cycle, save_atomically
from models.training.style.data import Crops, scoring_photos
from models.training.style.losses import LossNetwork, Taps, gram_loss, total_variation
from models.training.style.scores import mean_score, painting_grams, score
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

JITTER = 8  # px: the loss network sees crops at any offset below this, so that no stride of it prints through
SAME = 10.0  # weight of the mean absolute error where the photograph is to be reproduced


@dataclass(frozen=True)
class Settings:
    """One run. data: folder with styles/, photos/dev and reference/; cache: folder made by `python -m models.training
    cache`; out: the run's folder; minutes or steps: its length."""

    data: Path
    cache: Path
    out: Path
    styles: tuple[str, ...] = tuple(PRESETS)
    minutes: float | None = None
    steps: int | None = None
    sizes: tuple[tuple[float, int], ...] = ((0.5, 192), (1.0, 256))  # side of the crops until that share of the run
    batch: int = 6
    width: int = 16
    blocks: int = 5
    rate: float = 3e-3
    code_rate: float = 1e-2  # of the style codes: a row is drawn rarely
    gram_weight: float = 6.0  # at first; content has 1
    content_target: float = 1.3
    smoothness: float = 0.5  # weight of the total variation
    plain: float = 0.05  # share of pictures asked for as photographs, and again of those asked for at some strength
    loss_network: str = "squeezenet"  # or vgg16
    bf16: bool = True
    compiled: bool = False  # by torch.compile, minutes at the start and at each new size; needs a C++ compiler
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 4.0
    score_minutes: float = 12.0
    score_every: int = 6  # each so-many-th photograph of photos/dev is scored


def load_loss_network(name: str, data: Path) -> LossNetwork:
    """`squeezenet` (of the data folder) or `vgg16` (of the fetched models). Raises ValueError on other names."""
    if name == "vgg16":
        return LossNetwork.vgg16()
    if name == "squeezenet":
        return LossNetwork.squeezenet(data / "reference" / "squeezenet1_0.safetensors")
    raise ValueError(f"there is no loss network called {name!r}; there are squeezenet and vgg16")


class Steering:
    """Weights of the losses, moved by what they were: slowly, and alike in all processes."""

    def __init__(self, styles: int, gram_weight: float, content_target: float, device: torch.device) -> None:
        self.gram_weight, self.content_target = gram_weight, content_target
        self.start = gram_weight
        self.grams = torch.ones(styles, device=device)  # running mean by style
        self.content = content_target

    def weights(self) -> Tensor:
        """By style, 1 on the mean; the worst weighs at most two and a half times as much."""
        relative = (self.grams / self.grams.mean()).clamp(0.6, 2.5)
        return relative / relative.mean()

    def update(self, grams: Tensor, counts: Tensor, content: float, progress: float) -> None:
        """grams: sums of the Gram losses by style; counts: pictures by style; content: mean content loss."""
        seen = counts > 0
        means = grams / counts.clamp(min=1)
        self.grams = torch.where(seen, self.grams.lerp(means, 0.1), self.grams)
        self.content += 0.05 * (content - self.content)
        if progress > 0.15:  # the first content losses are those of a network that knows nothing yet
            moved = self.gram_weight * math.exp(0.01 * max(-1.0, min(1.0, self.content_target - self.content)))
            self.gram_weight = max(self.start / 4, min(self.start * 6, moved))

    def state(self) -> dict[str, Any]:
        return {"gram_weight": self.gram_weight, "grams": self.grams, "content": self.content}

    def restore(self, state: dict[str, Any]) -> None:
        self.gram_weight, self.grams, self.content = state["gram_weight"], state["grams"], state["content"]


class Styled(nn.Module):
    """The network asked by weights of its styles, B x styles: one forward pass that reaches every parameter."""

    def __init__(self, net: TransformerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, weights: Tensor) -> Tensor:
        out: Tensor = self.net(image, weights @ self.net.codes)
        return out


def deal(styles: int, seed: int) -> Iterator[int]:
    """Style numbers without end, each as often as any other."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(styles, generator=generator).tolist()


def draw_strengths(count: int, plain: float, generator: torch.Generator) -> Tensor:
    """Strength of the style for each of `count` pictures: mostly 1, a share of `plain` 0 and as many in between."""
    draw, between = torch.rand(2, count, generator=generator)
    return torch.where(draw < plain, torch.zeros(()), torch.where(draw < 2 * plain, between, torch.ones(())))


def style_weights(chosen: Tensor, strengths: Tensor, styles: int) -> Tensor:
    """B x (1 + styles): the photograph's share first, then the chosen style's."""
    weights = torch.zeros(len(chosen), 1 + styles)
    weights[:, 0] = 1 - strengths
    weights[torch.arange(len(chosen)), 1 + chosen] = strengths
    return weights


def losses(
    net: nn.Module,
    loss_network: LossNetwork,
    photo: Tensor,
    chosen: Tensor,
    strengths: Tensor,
    grams: Taps,
    steering: Steering,
    settings: Settings,
) -> dict[str, Tensor]:
    """`loss`, and one value a picture of `gram` and `content`. photo: B x 3 x H x W, 0..1; chosen: style numbers."""
    weights = style_weights(chosen, strengths, len(settings.styles)).to(photo.device)
    strengths = strengths.to(photo.device)
    dy, dx = torch.randint(0, JITTER, (2,)).tolist()
    height, width = photo.shape[2] - JITTER, photo.shape[3] - JITTER
    with autocast(photo.device, settings.bf16):
        result = net(photo, weights)
        seen = [x[:, :, dy : dy + height, dx : dx + width] for x in (result, photo)]
        found = loss_network(seen[0])
        with torch.no_grad():
            true = loss_network(seen[1])
    gram = gram_loss(found, {tap: g[chosen] for tap, g in grams.items()})
    content = loss_network.content_loss(found, true)
    by_style = steering.gram_weight * steering.weights()[chosen.to(photo.device)]
    styled = by_style * gram + content + settings.smoothness * total_variation(result)
    same = SAME * (result - photo).abs().mean((1, 2, 3)) + content
    return {
        "loss": (strengths * styled + (1 - strengths) * same).mean(),
        "gram": gram.detach(),
        "content": content.detach(),
    }


def export(net: TransformerNet, path: Path, facts: dict[str, str]) -> None:
    """Half-precision safetensors; its metadata say width, blocks, the names of the styles in order, and `facts`."""
    config = net.config
    metadata = {"styles": json.dumps(config.styles), "width": str(config.width), "blocks": str(config.blocks)} | facts
    partial = path.with_suffix(".partial")
    save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, partial, metadata)
    partial.replace(path)


def _optimizer(net: TransformerNet, settings: Settings) -> torch.optim.Adam:
    layers = [p for name, p in net.named_parameters() if name != "codes"]
    groups = [{"params": layers, "lr": settings.rate}, {"params": [net.codes], "lr": settings.code_rate}]
    for group in groups:
        group["peak"] = group["lr"]
    return torch.optim.Adam(groups, betas=(0.9, 0.99))


def _photos(settings: Settings, size: int, seed: int, process: Process) -> Iterator[Tensor]:
    crops = Crops(settings.cache, size, seed * process.world + process.rank)
    ahead = 4 if settings.workers else None
    return iter(DataLoader(crops, settings.batch, num_workers=settings.workers, prefetch_factor=ahead))


class Run:
    """A training under way: network, running average, optimizer and where it stands."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.process = settings, Process.start()
        torch.manual_seed(settings.seed)
        device = self.process.device
        config = TransformerNetConfig((PHOTOGRAPH, *settings.styles), settings.width, settings.blocks)
        self.net = TransformerNet(config).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks the keyword
        self.average, self.optimizer = Average(self.net), _optimizer(self.net, settings)
        self.steering = Steering(len(settings.styles), settings.gram_weight, settings.content_target, device)
        self.step, self.best, elapsed = 0, math.inf, 0.0
        settings.out.mkdir(parents=True, exist_ok=True)
        if settings.resume and (settings.out / "last.pt").exists():
            elapsed = self._restore(torch.load(settings.out / "last.pt", map_location=device, weights_only=True))
        torch.manual_seed(settings.seed + 1000 * self.process.rank + self.step)
        self.clock = Clock(settings.minutes, settings.steps, elapsed)
        self.loss_network = load_loss_network(settings.loss_network, settings.data)
        self.loss_network = self.loss_network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # as above
        self.grams = painting_grams(self.loss_network, settings.data / "styles", settings.styles, device)
        styled: nn.Module = Styled(self.net)
        self.features = self.loss_network
        if settings.compiled:
            styled = torch.compile(styled, dynamic=False)
            self.features = torch.compile(self.loss_network, dynamic=False)
        self.styled = self.process.wrap(styled)

    def _restore(self, state: dict[str, Any]) -> float:
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steering.restore(state["steering"])
        self.step, self.best, self.average.count = state["step"], state["best"], state["step"]
        return float(state["elapsed"])

    def save(self) -> None:
        """`last.pt`, to go on from, and `ema.safetensors`, the running average's weights."""
        state = {"net": self.net.state_dict(), "average": self.average.net.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "steering": self.steering.state()}
        state |= {"step": self.step, "best": self.best, "elapsed": self.clock.elapsed}
        save_atomically(state, self.settings.out / "last.pt")
        export(self.average.net, self.settings.out / "ema.safetensors", {"step": str(self.step)})

    def score(self) -> dict[str, float]:
        """Mean losses over the styles on photos/dev, and the worst Gram loss; keeps the best weights."""
        photos = scoring_photos(self.settings.data / "photos" / "dev", self.settings.score_every)
        net = self.average.net
        scores = score(net, self.loss_network, self.grams, photos, self.process, self.settings.bf16)
        gram, content = mean_score(scores)
        worst = max(scores[name][0] for name in self.settings.styles)
        if self.process.first:
            row = {"step": self.step, "seconds": round(self.clock.elapsed), "gram": gram, "content": content}
            by_style = {name: scores[name][0] for name in self.settings.styles}
            append_row(self.settings.out / "scores.csv", row | {"worst": worst} | by_style)
            if gram + 0.1 * content < self.best:
                export(net, self.settings.out / "best.safetensors", {"step": str(self.step)})
        self.best = min(self.best, gram + 0.1 * content)
        return {"gram": gram, "content": content, "worst": worst}

    def train_step(self, photo: Tensor, chosen: Tensor, strengths: Tensor, progress: float) -> None:
        """One step of the optimizer, of the average and of the steering."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * one_cycle(progress)
        image = (photo.to(self.process.device).float() / 255).contiguous(memory_format=torch.channels_last)
        found = losses(self.styled, self.features, image, chosen, strengths, self.grams, self.steering, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        found["loss"].backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        self._steer(found, chosen, strengths, progress)

    def _steer(self, found: dict[str, Tensor], chosen: Tensor, strengths: Tensor, progress: float) -> None:
        full = (strengths == 1).to(self.process.device)
        styles = len(self.settings.styles)
        sums = torch.zeros(3, styles, device=self.process.device)
        index = chosen.to(self.process.device)
        for row, values in enumerate((found["gram"] * full, full.float(), found["content"] * full)):
            sums[row].index_add_(0, index, values)
        grams, counts, contents = self.process.total(sums)
        if counts.sum() > 0:
            self.steering.update(grams, counts, float(contents.sum() / counts.sum()), progress)

    def log(self, progress: float) -> None:
        steering = self.steering
        row = {"step": self.step, "seconds": round(self.clock.elapsed), "progress": round(progress, 4)}
        row |= {"gram": float(steering.grams.mean()), "worst": float(steering.grams.max())}
        row |= {"content": steering.content, "gram_weight": steering.gram_weight}
        append_row(self.settings.out / "log.csv", {k: round(float(v), 4) for k, v in row.items()})


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt, ema and
    best.safetensors."""
    run = Run(settings)
    process, clock = run.process, run.clock
    cards = deal(len(settings.styles), settings.seed + 1000 * process.rank + run.step)
    generator = torch.Generator().manual_seed(settings.seed + 1000 * process.rank + run.step + 1)
    size, photos = 0, iter(())
    saved = scored = clock.elapsed
    while (progress := process.agree(clock.progress(run.step))) < 1:
        wanted = next(side for until, side in settings.sizes if progress < until)
        if wanted != size:
            size, photos = wanted, _photos(settings, wanted, settings.seed + run.step + 1, process)
        chosen = torch.tensor([next(cards) for _ in range(settings.batch)])
        strengths = draw_strengths(settings.batch, settings.plain, generator)
        run.train_step(next(photos), chosen, strengths, progress)
        now = process.agree(clock.elapsed)
        if process.first and run.step % 20 == 0:
            run.log(progress)
        if now - scored > 60 * settings.score_minutes:
            scored = now
            run.score()
        if now - saved > 60 * settings.save_minutes:
            saved = now
            if process.first:
                run.save()
    scores = run.score()
    if process.first:
        run.save()
    return scores
