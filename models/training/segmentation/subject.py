"""Trains the bundled network (models/networks/subject_net.py): subject, classes and prompted object in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.imagenet import normalize
from models.networks.subject_net import CLASSES, SubjectNet
from models.training.core.config import RunConfig, Sizes
from models.training.core.loading import ProgressiveResizing, batches, to_image
from models.training.core.loop import Loop, StepOptions
from models.training.core.process import Process
from models.training.segmentation.losses import class_loss, mask_loss
from models.training.segmentation.scores import score
from models.training.segmentation.subject_data import SubjectSamples

EPOCHS = 30
EPOCH_SAMPLES = 4690  # samples called an epoch, since they are endless: as many as there are labeled photographs
Outputs = tuple[Tensor, Tensor, Tensor]
ENCODER_SHARE = 0.25  # of the learning rate, for the encoder


@dataclass(frozen=True, kw_only=True)
class SubjectConfig(RunConfig):
    """Train the bundled segmentation network: subject, classes and prompted object."""

    data: Path
    """a cache folder"""
    epochs: int | None = None
    """length by samples, 4,690 an epoch, instead of --minutes or --steps"""
    encoder: Path | None = None
    """MobileNetV2 weights in torchvision's names to start from"""
    init: Path | None = None
    """an exported network to start from"""
    sizes: Sizes = ((0.4, 192), (0.85, 256), (1.0, 320))
    """until which share of the run which side of the images in pixels"""
    batch: int = 12
    """images a process and step"""
    lr: float = 1.2e-3
    """peak learning rate; the encoder has a quarter of it"""
    two_pass_prob: float = 0.0
    """share of samples in which the second decoder looks at what the first has found"""
    person_weight: float = 1.0
    """how many times as often as else the labeled sets of people come"""
    score_every: int = 3
    """each so-many-th dev image is scored"""

    counts_epochs: ClassVar[bool] = True


class SubjectEvaluator:
    """Mean IoU by set of the dev split and by prompt; the processes share the images.

    Args:
        data: a cache folder with the table `dev`.
        size: side of the images in pixels.
        every: each so-many-th image is scored.
        process: this process.
    """

    shared = True

    def __init__(self, data: Path, size: int, every: int, process: Process) -> None:
        self.data, self.size, self.every, self.process = data, size, every, process

    def score(self, net: SubjectNet) -> dict[str, float]:
        """See `scores.score`."""
        return score(net, self.data, self.size, self.process, self.every)

    def objective(self, scores: dict[str, float]) -> float:
        """How much the mean of all is below 1."""
        return 1 - sum(scores.values()) / len(scores)


def _batches(config: SubjectConfig, size: int, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    samples = SubjectSamples(
        config.data, size, process.seed(seed), two_pass_prob=config.two_pass_prob, person_weight=config.person_weight
    )
    return batches(samples, config)


def losses(outputs: Outputs, batch: dict[str, Tensor], class_weights: Tensor) -> dict[str, Tensor]:
    """Means over a batch, and `loss`, their weighted sum.

    Args:
        outputs: logits of subject, classes and prompted object, as the network gives them.
        batch: see `SubjectSamples`.
        class_weights: CLASSES.
    """
    subject, classes, prompted = outputs
    wanted = torch.where(batch["two_pass"][:, None, None, None], batch["subject"], batch["object"])
    found = {
        "subject": (mask_loss(subject.float(), batch["subject"].float() / 255) * batch["weight"]).mean(),
        "object": mask_loss(prompted.float(), wanted.float() / 255).mean(),
        "classes": class_loss(classes.float(), batch["classes"], class_weights),
    }
    return {"loss": found["subject"] + found["object"] + 0.3 * found["classes"], **found}


def _optimizer(net: SubjectNet, lr: float) -> torch.optim.AdamW:
    encoder = list(net.encoder.parameters())
    others = [p for name, p in net.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": encoder, "lr": ENCODER_SHARE * lr}, {"params": others, "lr": lr}]
    return torch.optim.AdamW(groups, weight_decay=5e-2)


def load(path: Path) -> SubjectNet:
    """An exported network, ready to predict, in single precision."""
    net = SubjectNet()
    net.load_state_dict({key: value.float() for key, value in load_file(path).items()}, strict=False)
    return net.eval().to(memory_format=torch.channels_last)


def average_weights(paths: Sequence[Path], out: Path) -> None:
    """Writes the mean of several exported networks' weights, whose runs share their start (Wortsman et al. 2022)."""
    states = [load_file(path) for path in paths]
    save_file({k: torch.stack([state[k].float() for state in states]).mean(0).half() for k in states[0]}, out)


def _initial(config: SubjectConfig) -> SubjectNet:
    torch.manual_seed(config.seed)
    net = SubjectNet()
    if config.encoder is not None:
        net.encoder.load_torchvision(load_file(config.encoder))
    if config.init is not None:
        net.load_state_dict(load_file(config.init), strict=False)
    return net.to(memory_format=torch.channels_last)


def train(config: SubjectConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    if config.minutes is None and config.steps is None:
        samples_wanted = (config.epochs or EPOCHS) * EPOCH_SAMPLES
        config = replace(config, epochs=None, steps=samples_wanted // (config.batch * process.world))
    net = _initial(config).to(process.device)
    evaluator = SubjectEvaluator(config.data, config.sizes[-1][1], config.score_every, process)
    options = StepOptions(clip=5.0)
    loop = Loop(net, _optimizer(net, config.lr), process, config, evaluator=evaluator, options=options)
    class_weights = torch.ones(CLASSES, device=process.device)
    class_weights[0] = 0.4  # background is four fifths of all
    first = config.seed + loop.step + 1
    samples = ProgressiveResizing(config.sizes, lambda size: _batches(config, size, first + size, process))
    for progress in loop:
        batch = {name: value.to(process.device, non_blocking=True) for name, value in samples.next(progress).items()}
        image, prompt = normalize(to_image(batch["image"], process.device)), batch["prompt"].float() / 255
        with loop.autocast():
            outputs = loop.forward(image, prompt, batch["two_pass"])
        loop.update(losses(outputs, batch, class_weights), {"size": samples.size})
    return loop.scores
