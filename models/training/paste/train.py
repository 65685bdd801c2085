"""Trains the copy-paste network (models/papers/copy_paste.py), with the discriminator as in the paper or without it.

Without: the absolute and the squared difference under the mask, every image counting alike, a quick and steady way
for small networks and small machines. With: equation 7 of Portenier et al. 2019, Adam (0, 0.9) at a constant 2e-4.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet
from models.training.core.checkpoint import Exported, load_weights, read_settings
from models.training.core.config import RunConfig
from models.training.core.loading import batches
from models.training.core.loop import Loop, StepOptions
from models.training.core.process import Process
from models.training.core.schedule import constant
from models.training.paste.critic import Critic
from models.training.paste.data import Blend, Difficulty, PasteSamples
from models.training.paste.evaluator import PasteEvaluator, held_out_series
from models.training.paste.losses import foreground_mean

SLIM_WIDTH = 40
ADVERSARIAL_LR, PLAIN_LR = 2e-4, 1.5e-3
LAST_SHARE = 0.1  # of the learning rate, for the last layer
SQUARED = 10.0  # weight of the squared difference: both pull alike where the difference is 0.05


@dataclass(frozen=True, kw_only=True)
class PasteConfig(RunConfig):
    """Train the copy-paste network."""

    data: Path
    """a cache folder"""
    network: CopyPasteConfig = field(default_factory=lambda: CopyPasteConfig(SLIM_WIDTH))
    difficulty: Difficulty = field(default_factory=Difficulty)
    blend: str = "backend.imaging.poisson.seamless_clone:seamless_clone"
    """function that computes the Poisson solution for a network that takes it, as MODULE:NAME"""
    adversarial: bool = False
    """the paper's losses, with the discriminator"""
    critic_width: int = 64
    """channels of the discriminator's first layer"""
    ablation: Literal["sigma", "shading"] | None = None
    """train and compare the paper's variants instead"""
    init: Path | None = None
    """an exported network to start from"""
    size: int = 256
    """side of the crops in pixels"""
    batch: int = 8
    """images a process and step"""
    lr: float | None = None
    """peak learning rate (1.5e-3; adversarial: 2e-4 throughout)"""
    save_minutes: float = 4.0
    """between checkpoints"""
    score_minutes: float = 4.0
    """between scores; a run is always scored at its end"""
    scored: int = 96
    """held-out composites a score is the mean of"""

    @property
    def peak(self) -> float:
        """The learning rate: what was asked for, else that of the way of training."""
        return self.lr or (ADVERSARIAL_LR if self.adversarial else PLAIN_LR)

    def blend_function(self) -> Blend | None:
        """`blend` itself, where the network takes the Poisson solution. ValueError where there is no such function."""
        if not self.network.poisson:
            return None
        try:
            found: Blend = pkgutil.resolve_name(self.blend)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"--blend {self.blend}: there is no such function ({error})") from None
        return found


def initial(config: PasteConfig) -> CopyPasteNet:
    """The network to train. Raises ValueError on an exported one that does not fit."""
    torch.manual_seed(config.seed)
    net = CopyPasteNet(config.network)
    if config.init is not None:
        net.load_state_dict(load_weights(config.init))
    return net


def optimizer(net: CopyPasteNet, config: PasteConfig) -> torch.optim.Adam:
    """All of the normalized features go into the last layer at full strength: at the full rate its first steps would
    throw the answer far from where it starts."""
    last = list(net.last_layer().parameters())
    others = [p for p in net.parameters() if not any(p is q for q in last)]
    share = 1.0 if config.adversarial else LAST_SHARE
    groups = [{"params": others, "lr": config.peak}, {"params": last, "lr": share * config.peak}]
    return torch.optim.Adam(groups, betas=(0.0, 0.9) if config.adversarial else (0.9, 0.99), fused=True)


def plain_losses(result: Tensor, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Means over a batch of the absolute and the squared difference under the mask, and `loss`, their weighted sum."""
    difference = result - image
    l1 = foreground_mean(difference.abs(), mask).mean()
    l2 = foreground_mean(difference.square(), mask).mean()
    return {"loss": l1 + SQUARED * l2, "l1": l1, "l2": l2}


def _batches(config: PasteConfig, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    samples = PasteSamples(config.data, config.size, process.seed(seed), config.difficulty, config.blend_function())
    return batches(samples, config)


def train(config: PasteConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    net = initial(config).to(process.device).to(memory_format=torch.channels_last)
    critic = Critic(config.size, config.critic_width, config.peak, process) if config.adversarial else None
    scored = config.scored if process.first else 0
    series = held_out_series(config.data, config.size, scored, config.difficulty, config.blend_function())
    loop = Loop(
        net,
        optimizer(net, config),
        process,
        config,
        evaluator=PasteEvaluator(series) if process.first else None,
        options=StepOptions(constant, clip=None) if config.adversarial else StepOptions(),
        extra=critic.stateful() if critic else None,
        exported=Exported(asdict(config.network)),
    )
    samples = _batches(config, config.seed + loop.step, process)
    for _ in loop:
        batch = {name: value.to(process.device, non_blocking=True) for name, value in next(samples).items()}
        image, source, mask = batch["image"], batch["source"], batch["mask"]
        with loop.autocast():
            result = loop.forward(source, image, mask, batch.get("poisson"))
        result = result.float()
        if critic is None:
            loop.update(plain_losses(result, image, mask))
        else:
            loop.update(critic.losses(result, image, source * mask + image * (1 - mask), mask))
    return loop.scores


def load(path: Path) -> CopyPasteNet:
    """The network of an exported file, for inference."""
    net = CopyPasteNet(CopyPasteConfig(**read_settings(path)))
    net.load_state_dict(load_weights(path))
    return net.eval().requires_grad_(False)
