"""What of the teachers' features the student learns, at which places, and how well it has learned them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.feature_net import FeatureNet
from models.papers.gatys import gram_matrix
from models.training.features.teachers import TAPS, Tap, Teachers
from models.training.style.losses import gram_loss

MEASURED = 4  # batches from which the teachers' means and deviations are taken


@dataclass(frozen=True)
class Target:
    """A layer of the student, e.g. conv3_1, and the teacher's layer that it learns, one of `TAPS`."""

    layer: str
    tap: str

    @property
    def name(self) -> str:
        """In scores."""
        return f"{self.layer} {self.tap}"

    @property
    def head(self) -> str:
        """Of the student's head, a name that a module can have."""
        return self.name.replace(" ", "-")


LAYERS = {
    "conv1_2": ("squeezenet 1", "mobilenet 0"),
    "conv2_1": ("squeezenet 1",),
    "conv2_2": ("squeezenet 1", "mobilenet 1"),
    "conv3_1": ("squeezenet 3",),
    "conv3_3": ("squeezenet 4", "mobilenet 3"),
    "conv4_1": ("squeezenet 7",),
    "conv4_3": ("squeezenet 9", "mobilenet 6"),
    "conv5_1": ("squeezenet 12", "mobilenet 10"),
    "conv5_3": ("squeezenet 12", "mobilenet 13", "mobilenet 17"),
}
"""Which teacher's layers a layer of the student learns."""

TARGETS = tuple(Target(layer, tap) for layer, taps in LAYERS.items() for tap in taps)
"""All of them, in order."""


class Student(nn.Module):
    """The network and its heads: images to each target's features, at the teacher's places, normalized."""

    def __init__(self, net: FeatureNet) -> None:
        super().__init__()
        self.net = net
        channels = {f"conv{block}": c for block, c in enumerate(net.trunk.channels, 1)}
        heads = {t.head: nn.Conv2d(channels[t.layer[:5]], TAPS[t.tap].channels, 1) for t in TARGETS}
        for head in heads.values():
            nn.init.normal_(head.weight, std=0.01)  # at first they give the mean
            assert head.bias is not None
            nn.init.zeros_(head.bias)
        self.heads = nn.ModuleDict(heads)

    def forward(self, image: Tensor, sizes: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
        """sizes: height and width of each teacher's layer. Features by the names of the targets' heads."""
        found = self.net(image, list(LAYERS))
        features = {}
        for t in TARGETS:
            sampled = sample_at(found[t.layer], 2 ** (int(t.layer[4]) - 1), TAPS[t.tap], sizes[t.tap])
            features[t.head] = self.heads[t.head](sampled).float()
        return features


def sample_at(features: Tensor, stride: int, tap: Tap, size: tuple[int, int]) -> Tensor:
    """`features`, whose element o is centered on pixel stride o + (stride - 1) / 2, where the elements of `tap` are."""
    axes = []
    for length, count in zip(features.shape[2:], size, strict=True):
        pixel = tap.stride * torch.arange(count, device=features.device) + tap.offset
        place = (pixel - (stride - 1) / 2) / stride
        axes.append(2 * place / max(1, length - 1) - 1)
    y, x = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack([x, y], 2).expand(len(features), -1, -1, -1)
    sampled = F.grid_sample(features.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.to(features.dtype)


class Distillation:
    """The teachers, and their channels' means and deviations over some batches of crops.

    Args:
        teachers: on the device of the batches.
        batches: of images, B x 3 x S x S, RGB 0..1.
    """

    def __init__(self, teachers: Teachers, batches: Iterator[Tensor]) -> None:
        self.teachers = teachers
        sums: dict[str, Tensor] = {}
        for _ in range(MEASURED):
            for tap, x in teachers(next(batches)).items():
                moments = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]) / MEASURED
                sums[tap] = sums.get(tap, torch.zeros_like(moments)) + moments
        self.mean = {tap: m[0].view(1, -1, 1, 1) for tap, m in sums.items()}
        self.std = {tap: (m[1] - m[0] ** 2).clamp_min(1e-8).sqrt().view(1, -1, 1, 1) for tap, m in sums.items()}

    def features(self, student: nn.Module, image: Tensor) -> Iterator[tuple[Target, Tensor, Tensor]]:
        """By target: the student's and the teacher's features, both normalized."""
        true = self.teachers(image)
        found = student(image, {tap: (x.shape[2], x.shape[3]) for tap, x in true.items()})
        for t in TARGETS:
            yield t, found[t.head], (true[t.tap] - self.mean[t.tap]) / self.std[t.tap]

    def losses(self, student: nn.Module, image: Tensor) -> dict[str, Tensor]:
        """`error`, the mean over the targets of the normalized features' squared error; `gram`, the mean relative
        difference of Gram matrices."""
        errors, grams = [], []
        for t, student_features, teacher_features in self.features(student, image):
            errors.append((student_features - teacher_features).square().mean())
            a, b = (x * self.std[t.tap] + self.mean[t.tap] for x in (student_features, teacher_features))
            grams.append(gram_loss({0: a}, {0: gram_matrix(b)}).mean())
        return {"error": torch.stack(errors).mean(), "gram": torch.stack(grams).mean()}


class FeatureEvaluator:
    """Share of the teachers' variance over all these photographs that was learned, and the mean Gram difference.

    Args:
        distillation: of the run.
        photos: 1 x 3 x H x W, RGB 0..1, of any sizes.
        device: of the networks.
    """

    shared = False

    def __init__(self, distillation: Distillation, photos: list[Tensor], device: torch.device) -> None:
        self.distillation, self.photos, self.device = distillation, photos, device

    @torch.no_grad()
    def score(self, student: nn.Module) -> dict[str, float]:
        """`learned` in the mean and by target, `gram`. A channel's own share is at least 0; channels that never react
        do not count."""
        student.eval()
        sums: dict[Target, Tensor] = {}
        grams = []
        for photo in self.photos:
            image = photo.to(self.device)
            grams.append(self.distillation.losses(student, image)["gram"])
            for t, found, true in self.distillation.features(student, image):
                # on the CPU, since not every device has double precision
                moments = torch.stack([(found - true).square(), true.square(), true]).mean((1, 3, 4)).cpu().double()
                sums[t] = sums.get(t, torch.zeros_like(moments)) + moments / len(self.photos)
        learned = {}
        for t, (error, square, mean) in sums.items():
            variance = square - mean**2
            reacts = variance > 1e-9
            learned[t.name] = float((1 - error[reacts] / variance[reacts]).clamp(min=0).mean())
        return {"learned": float(np.mean(list(learned.values()))), "gram": float(torch.stack(grams).mean())} | learned

    def objective(self, scores: dict[str, float]) -> float:
        """The share that was not learned."""
        return 1 - scores["learned"]
