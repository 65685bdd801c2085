"""Trains the inpainting network (models/papers/pconv.py) as section 3.3 of its paper says: a first phase, and a second
with a smaller rate and the encoder's batch normalization frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from models.papers.pconv import PConvUNet
from models.training.core.checkpoint import Exported, load_weights, read_settings
from models.training.core.config import RunConfig
from models.training.core.loading import batches, to_image
from models.training.core.loop import Loop, StepOptions
from models.training.core.perceptual import FeatureNetwork
from models.training.core.process import Process
from models.training.core.schedule import LearningRate, one_cycle
from models.training.fill.data import Cached, Folder, HoleSamples
from models.training.fill.evaluator import FillEvaluator
from models.training.fill.losses import LossWeights, inpainting_losses, weighted
from models.training.fill.masks import Outlines


@dataclass(frozen=True, kw_only=True)
class FillConfig(RunConfig):
    """Train the inpainting network."""

    data: Path
    """the data folder: photos/train, photos/dev, subjects/train, subjects/dev and reference"""
    cache: Path | None = None
    """a cache folder, to read photographs and subjects from"""
    width: int = 64
    """channels of the first layer; 64 is the paper's"""
    depth: int = 8
    """halvings of the image; 8 is the paper's"""
    smooth: bool = False
    """the network also sees the hole filled smoothly"""
    style_loss_weight: float = 120.0
    """weight of each of the two style terms; 120 is the paper's"""
    size: int = 512
    """side of the images in pixels, a multiple of 2 ** depth"""
    batch: int = 6
    """images a process and step"""
    lr: float = 2e-4
    """learning rate of the first phase, or the peak of --one-cycle"""
    fine_lr: float = 5e-5
    """learning rate of the second phase"""
    one_cycle: bool = False
    """one cycle of the learning rate over the run instead of the two rates"""
    fine_from: float = 0.7
    """share of the run after which the second phase begins, with the encoder's batch normalization frozen"""
    loss_network: Literal["squeezenet", "vgg16"] = "squeezenet"
    """VGG-16 is the paper's; its weights are fetched with `inlay models get vgg16`"""
    save_minutes: float = 4.0
    """between checkpoints"""
    score_minutes: float = 10.0
    """between scores; a run is always scored at its end"""

    @property
    def weights(self) -> LossWeights:
        """Of the terms of the loss."""
        return LossWeights(style_raw=self.style_loss_weight, style_composed=self.style_loss_weight)

    @property
    def learning_rate(self) -> LearningRate:
        """Factor of `lr` by progress."""
        return one_cycle if self.one_cycle else lambda progress: self._phase(progress)

    def _phase(self, progress: float) -> float:
        return 1.0 if progress < self.fine_from else self.fine_lr / self.lr


def loss_network(config: FillConfig) -> FeatureNetwork:
    """The paper's VGG-16 where it is asked for (and its weights were fetched), else SqueezeNet."""
    if config.loss_network == "vgg16":
        return FeatureNetwork.vgg16()
    return FeatureNetwork.squeezenet(config.data / "reference/squeezenet1_0.safetensors")


def settings_of(net: PConvUNet) -> dict[str, object]:
    """What the network is built with."""
    return {"width": net.width, "depth": net.depth, "smooth": net.smooth}


def _batches(config: FillConfig, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    if config.cache is None:
        photos: Outlines = Folder(config.data / "photos/train")
        outlines: Outlines = Folder(config.data / "subjects/train/masks", masks=True)
    else:
        photos, outlines = Cached(config.cache, "photos"), Cached(config.cache, "subjects", masks=True)
    return batches(HoleSamples(photos, outlines, config.size, process.seed(seed)), config)


def train(config: FillConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    torch.manual_seed(config.seed)
    net = PConvUNet(config.width, config.depth, config.smooth).to(process.device).to(memory_format=torch.channels_last)
    features = loss_network(config).to(process.device).to(memory_format=torch.channels_last)
    loop = Loop(
        net,
        torch.optim.Adam(net.parameters(), config.lr),
        process,
        config,
        evaluator=FillEvaluator(config.data, config.size, process.device) if process.first else None,
        options=StepOptions(config.learning_rate, clip=5.0),
        exported=Exported(settings_of(net)),
    )
    samples = _batches(config, config.seed + loop.step, process)
    for progress in loop:
        if progress >= config.fine_from and not net.frozen:
            net.freeze_encoder_norm()
            loop.wrap()
        batch = next(samples)
        image, mask = to_image(batch["image"], process.device), batch["mask"].to(process.device).float()
        with loop.autocast():
            found = inpainting_losses(loop.forward(image, mask), image, mask, features, config.smooth)
        loop.update({"loss": weighted(found, config.weights), **found}, {"phase": 1 + net.frozen})
    return loop.scores


def load(path: Path) -> PConvUNet:
    """The network of an exported file, for inference."""
    net = PConvUNet(**read_settings(path))
    net.load_state_dict(load_weights(path), strict=False)
    return net.eval().requires_grad_(False)
