"""Trains the sky network (models/networks/sky.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.imagenet import normalize
from models.networks.sky import SkyNet
from models.training.core.checkpoint import load_weights
from models.training.core.config import RunConfig, Sizes
from models.training.core.loading import ProgressiveResizing, batches, to_image
from models.training.core.loop import Loop, StepOptions
from models.training.core.process import Process
from models.training.segmentation.losses import mask_loss
from models.training.sky.data import SkySamples
from models.training.sky.scores import SkyEvaluator

ENCODER_SHARE = 0.35  # of the learning rate, for the encoder


@dataclass(frozen=True, kw_only=True)
class SkyConfig(RunConfig):
    """Train the sky network."""

    data: Path
    """a cache folder with the tables sky and cutouts"""
    encoder: Path | None = None
    """MobileNetV2 weights in torchvision's names to start from"""
    init: Path | None = None
    """an exported sky network to start from"""
    sizes: Sizes = ((0.5, 192), (0.85, 256), (1.0, 320))
    """until which share of the run which side of the images in pixels"""
    batch: int = 12
    """images a process and step"""
    lr: float = 1.5e-3
    """peak learning rate; the encoder has a third of it"""
    none_share: float = 0.3
    """share of images without a sky"""
    score_size: int = 320
    """side in pixels of the images that are scored"""
    score_every: int = 3
    """each so-many-th image kept from training is scored"""


def initial(config: SkyConfig) -> SkyNet:
    """The network as a run begins."""
    torch.manual_seed(config.seed)
    net = SkyNet()
    if config.encoder is not None:
        net.encoder.load_torchvision(load_file(config.encoder))
    if config.init is not None:
        net.load_state_dict(load_weights(config.init), strict=False)  # counters of batch normalization are not kept
    return net.to(memory_format=torch.channels_last)


def _optimizer(net: SkyNet, lr: float) -> torch.optim.AdamW:
    groups = [
        {"params": list(net.encoder.parameters()), "lr": ENCODER_SHARE * lr},
        {"params": list(net.decoder.parameters()), "lr": lr},
    ]
    return torch.optim.AdamW(groups, weight_decay=5e-2)


def _batches(config: SkyConfig, size: int, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    return batches(SkySamples(config.data, size, process.seed(seed), config.none_share), config)


def train(config: SkyConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    net = initial(config).to(process.device)
    evaluator = SkyEvaluator(config.data, config.score_size, config.score_every, process)
    options = StepOptions(decay=0.995, clip=5.0)
    loop = Loop(net, _optimizer(net, config.lr), process, config, evaluator=evaluator, options=options)
    first = config.seed + loop.step + 1
    samples = ProgressiveResizing(config.sizes, lambda size: _batches(config, size, first + size, process))
    for progress in loop:
        batch = samples.next(progress)
        image = normalize(to_image(batch["image"], process.device))
        sky = batch["sky"].to(process.device, non_blocking=True).float() / 255
        with loop.autocast():
            logits = loop.forward(image)
        loop.update({"loss": mask_loss(logits.float(), sky).mean()}, {"size": samples.size})
    return loop.scores
