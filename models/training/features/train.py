"""Distils the feature network (models/networks/feature_net.py) on photographs from the reference networks.

1 x 1 heads on the network's layers regress what SqueezeNet and MobileNetV2 see at the same place of the same image,
and are thrown away. Features are normalized by channel, so that every channel of the teachers counts; and the Gram
matrices of what the heads give must agree with the teachers', since styles are read from these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from models.networks.feature_net import SLIM, FeatureNet
from models.training.core.augment import jitter_colors
from models.training.core.checkpoint import Exported
from models.training.core.config import RunConfig, Sizes
from models.training.core.loading import ProgressiveResizing, batches, to_image, worker_rng
from models.training.core.loop import Loop
from models.training.core.process import Process
from models.training.features.distillation import Distillation, FeatureEvaluator, Student
from models.training.features.teachers import Teachers
from models.training.style.data import Crops, scoring_photos

SCORED = 256  # px, shorter side of the photographs that are scored
ZOOM = (0.6, 1.5)  # of the crops: reduced images are sharp, enlarged ones smooth


@dataclass(frozen=True, kw_only=True)
class FeatureConfig(RunConfig):
    """Distil the feature network."""

    data: Path
    """the data folder: photos/dev and reference"""
    cache: Path
    """a cache folder, for the photographs"""
    width: float = SLIM
    """factor on VGG-16's channels"""
    sizes: Sizes = ((0.5, 160), (1.0, 224))
    """until which share of the run which side of the crops in pixels"""
    batch: int = 12
    """images a process and step"""
    lr: float = 2e-3
    """peak learning rate"""
    gram_weight: float = 0.2
    """weight of the Gram matrices' difference"""
    score_minutes: float = 15.0
    """between scores; a run is always scored at its end"""


class JitteredCrops(IterableDataset[Tensor]):
    """Crops of the photographs, half of them with changed colors, 3 x S x S u8."""

    def __init__(self, cache: Path, size: int, seed: int) -> None:
        self.crops, self.seed = Crops(cache, size, seed, ZOOM), seed

    def __iter__(self) -> Iterator[Tensor]:
        rng = worker_rng(self.seed + 1)
        for crop in self.crops:
            if rng.random() < 0.5:
                changed = jitter_colors(np.ascontiguousarray(crop.permute(1, 2, 0).numpy()), rng)
                crop = torch.from_numpy(np.ascontiguousarray(changed.transpose(2, 0, 1)))
            yield crop


def _batches(config: FeatureConfig, size: int, seed: int, device: torch.device) -> Iterator[Tensor]:
    for batch in batches(JitteredCrops(config.cache, size, seed), config):
        yield to_image(batch, device)


def exported_part(student: Student) -> nn.Module:
    """The network without its heads."""
    return student.net


def train(config: FeatureConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    torch.manual_seed(config.seed)
    student = Student(FeatureNet(config.width)).to(process.device).to(memory_format=torch.channels_last)
    teachers = Teachers.load(config.data / "reference").to(process.device)
    distillation = Distillation(teachers, _batches(config, config.sizes[0][1], 0, process.device))
    photos = scoring_photos(config.data / "photos" / "dev", 3, SCORED) if process.first else []
    loop = Loop(
        student,
        torch.optim.AdamW(student.parameters(), config.lr, betas=(0.9, 0.98), weight_decay=1e-4),
        process,
        config,
        evaluator=FeatureEvaluator(distillation, photos, process.device) if process.first else None,
        exported=Exported({"width": config.width}, exported_part),
    )
    seed = process.seed(config.seed + loop.step + 1)
    samples = ProgressiveResizing(config.sizes, lambda size: _batches(config, size, seed, process.device))
    for progress in loop:
        with loop.autocast():
            found = distillation.losses(loop.forward, samples.next(progress))
        loop.update({"loss": found["error"] + config.gram_weight * found["gram"], **found})
    return loop.scores
