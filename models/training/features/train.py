"""Distils the feature network (models/networks/feature_net.py) on photographs from the reference networks.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m models.training features --data DATA --cache CACHE --out RUN \\
        --minutes 90 --bf16 [--resume]

1 x 1 heads on the network's layers regress what SqueezeNet and MobileNetV2 say of the same place of the same picture,
and are thrown away. Activations are normalized by channel, so that every channel of the teachers counts; and the Gram
matrices of what the heads say must agree with the teachers', since styles are read from these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models.networks.feature_net import MEAN, SLIM, STD, FeatureNet
from models.training.core.augment import jitter_colors
from models.training.core.loop import Loop, export
from models.training.core.run import Process, append_row, autocast
from models.training.style.data import Crops, scoring_photos
from models.training.style.losses import gram_loss, gram_matrix

SCORED = 256  # px, shorter side of the photographs that are scored
ZOOM = (0.6, 1.5)  # of the crops: reduced pictures are sharp, enlarged ones smooth
MEASURED = 4  # batches from which the teachers' means and deviations are taken


@dataclass(frozen=True)
class Tap:
    """A layer of a teacher: its element o is centered on the picture's pixel `stride` o + `offset`."""

    channels: int
    stride: int
    offset: int


SQUEEZENET = {
    1: Tap(96, 2, 3), 3: Tap(128, 4, 5), 4: Tap(128, 4, 5), 7: Tap(256, 8, 9), 9: Tap(384, 8, 9), 12: Tap(512, 16, 17),
}  # fmt: skip
"""By place in torchvision's `features`: a 7 x 7 convolution without padding, then 3 x 3 pooling, both by 2."""

MOBILENET = {
    0: Tap(32, 2, 0), 1: Tap(16, 2, 0), 3: Tap(24, 4, 0), 6: Tap(32, 8, 0), 10: Tap(64, 16, 0), 13: Tap(96, 16, 0),
    17: Tap(320, 32, 0),
}  # fmt: skip
"""By place in torchvision's `features`: every convolution is padded by half its kernel."""

LESSONS = {
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
"""Which teacher's layers a layer of the network learns."""


@dataclass(frozen=True)
class Settings:
    """One run. data: folder with photos/dev and reference/; cache: folder made by `python -m models.training cache`;
    out: the run's folder; minutes or steps: its length."""

    data: Path
    cache: Path
    out: Path
    minutes: float | None = None
    steps: int | None = None
    width: float = SLIM
    sizes: tuple[tuple[float, int], ...] = ((0.5, 160), (1.0, 224))  # side of the crops until that share of the run
    batch: int = 12
    rate: float = 2e-3
    gram_weight: float = 0.2
    bf16: bool = True
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 5.0
    score_minutes: float = 15.0


class Teachers(nn.Module):
    """What SqueezeNet 1.0 and MobileNetV2 say of pictures, B x 3 x H x W, RGB 0..1, by "NETWORK PLACE"."""

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, squeezenet: nn.Sequential, mobilenet: nn.Sequential) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({"squeezenet": squeezenet, "mobilenet": mobilenet})
        self.eval().requires_grad_(False)
        self.register_buffer("image_mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(STD).view(1, 3, 1, 1))

    @classmethod
    def load(cls, reference: Path) -> Teachers:
        """From the data folder's reference/."""
        squeezenet, mobilenet = torchvision.models.squeezenet1_0(weights=None), torchvision.models.mobilenet_v2()
        squeezenet.load_state_dict(load_file(reference / "squeezenet1_0.safetensors"))
        state = load_file(reference / "mobilenet_v2_torchvision.safetensors")
        mobilenet.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
        return cls(squeezenet.features[: max(SQUEEZENET) + 1], mobilenet.features[: max(MOBILENET) + 1])

    @torch.no_grad()
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        found = {}
        normalized = (image - self.image_mean) / self.image_std
        for network, taps in (("squeezenet", SQUEEZENET), ("mobilenet", MOBILENET)):
            x = normalized
            for place, layer in enumerate(self.networks[network]):
                x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
                if place in taps:
                    found[f"{network} {place}"] = x.float()
        return found


class Student(nn.Module):
    """The network and its heads: pictures to what each lesson's head says, at the teacher's places, normalized."""

    def __init__(self, net: FeatureNet) -> None:
        super().__init__()
        self.net = net
        channels = {f"conv{block}": c for block, c in enumerate(net.trunk.channels, 1)}
        self.heads = nn.ModuleDict(
            {_key(layer, tap): nn.Conv2d(channels[layer[:5]], tap_of(tap).channels, 1) for layer, tap in lessons()}
        )
        for head in self.heads.values():
            assert isinstance(head, nn.Conv2d)
            nn.init.normal_(head.weight, std=0.01)  # at first they say what is said on the mean
            nn.init.zeros_(head.bias)

    def forward(self, image: Tensor, sizes: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
        """sizes: height and width of each teacher's layer. Answers by lesson."""
        found = self.net(image, list(LESSONS))
        said = {}
        for layer, tap in lessons():
            seen = at_places(found[layer], 2 ** (int(layer[4]) - 1), tap_of(tap), sizes[tap])
            said[_key(layer, tap)] = self.heads[_key(layer, tap)](seen).float()
        return said


class Classroom:
    """Teachers, and their channels' means and deviations over some batches of crops."""

    def __init__(self, teachers: Teachers, batches: Iterator[Tensor]) -> None:
        self.teachers = teachers
        sums: dict[str, Tensor] = {}
        for _ in range(MEASURED):
            for tap, x in teachers(next(batches)).items():
                moments = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]) / MEASURED
                sums[tap] = sums.get(tap, torch.zeros_like(moments)) + moments
        self.mean = {tap: m[0].view(1, -1, 1, 1) for tap, m in sums.items()}
        self.std = {tap: (m[1] - m[0] ** 2).clamp_min(1e-8).sqrt().view(1, -1, 1, 1) for tap, m in sums.items()}

    def answers(self, student: nn.Module, image: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
        """By lesson: its name, what the student says and what the teacher says, both normalized."""
        true = self.teachers(image)
        said = student(image, {tap: (x.shape[2], x.shape[3]) for tap, x in true.items()})
        for layer, tap in lessons():
            yield f"{layer} {tap}", said[_key(layer, tap)], (true[tap] - self.mean[tap]) / self.std[tap]

    def losses(self, student: nn.Module, image: Tensor) -> dict[str, Tensor]:
        """`error`, the mean over the lessons of the normalized activations' squared error; `gram`, the mean relative
        difference of Gram matrices."""
        errors, grams = [], []
        for lesson, said, true in self.answers(student, image):
            tap = lesson.split(" ", 1)[1]
            errors.append((said - true).square().mean())
            spoken, heard = (x * self.std[tap] + self.mean[tap] for x in (said, true))
            grams.append(gram_loss({0: spoken}, {0: gram_matrix(heard)}).mean())
        return {"error": torch.stack(errors).mean(), "gram": torch.stack(grams).mean()}


class Varied(IterableDataset[Tensor]):
    """Crops of the photographs, half of them with changed colors, 3 x S x S u8."""

    def __init__(self, cache: Path, size: int, seed: int) -> None:
        self.crops, self.seed = Crops(cache, size, seed, ZOOM), seed

    def __iter__(self) -> Iterator[Tensor]:
        rng = np.random.default_rng((self.seed, 1))
        for crop in self.crops:
            if rng.random() < 0.5:
                changed = jitter_colors(np.ascontiguousarray(crop.permute(1, 2, 0).numpy()), rng)
                crop = torch.from_numpy(np.ascontiguousarray(changed.transpose(2, 0, 1)))
            yield crop


def lessons() -> list[tuple[str, str]]:
    """(layer, teacher's layer), in order."""
    return [(layer, tap) for layer, taps in LESSONS.items() for tap in taps]


def tap_of(name: str) -> Tap:
    """The teacher's layer called "NETWORK PLACE"."""
    network, place = name.split()
    return (SQUEEZENET if network == "squeezenet" else MOBILENET)[int(place)]


def at_places(features: Tensor, stride: int, tap: Tap, size: tuple[int, int]) -> Tensor:
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


def _key(layer: str, tap: str) -> str:
    return f"{layer} {tap}".replace(" ", "-")


def _batches(settings: Settings, size: int, seed: int, process: Process) -> Iterator[Tensor]:
    crops = Varied(settings.cache, size, seed * process.world + process.rank)
    loader = DataLoader(
        crops, settings.batch, num_workers=settings.workers, prefetch_factor=4 if settings.workers else None
    )
    for batch in loader:
        image = batch.to(process.device, non_blocking=True).float() / 255
        yield image.contiguous(memory_format=torch.channels_last)


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt,
    ema.safetensors (with the heads) and features.safetensors."""
    process = Process.start()
    cv2.setNumThreads(1)
    torch.manual_seed(settings.seed)
    student = Student(FeatureNet(settings.width)).to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks the keyword
    optimizer = torch.optim.AdamW(student.parameters(), settings.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    loop = Loop(
        student, optimizer, process, settings.out, settings.minutes, settings.steps, settings.resume,
        settings.save_minutes,
    )  # fmt: skip
    teachers = Teachers.load(settings.data / "reference").to(process.device)
    room = Classroom(teachers, _batches(settings, settings.sizes[0][1], 0, Process(0, 1, process.device)))
    size, batches, scored = 0, iter(()), loop.clock.elapsed
    for progress in loop:
        wanted = next(side for until, side in settings.sizes if progress < until)
        if wanted != size:
            size, batches = wanted, _batches(settings, wanted, settings.seed + loop.step + 1, process)
        with autocast(process.device, settings.bf16):
            losses = room.losses(loop.wrapped, next(batches))
        total = losses["error"] + settings.gram_weight * losses["gram"]
        loop.descend({"loss": total, "error": losses["error"], "gram": losses["gram"]})
        if process.first and loop.clock.elapsed - scored > 60 * settings.score_minutes:
            scored = loop.clock.elapsed
            _report(loop, room, settings)
    return _report(loop, room, settings) if process.first else {}


@torch.no_grad()
def score(student: nn.Module, room: Classroom, photos: list[Tensor], device: torch.device) -> dict[str, float]:
    """Share of the teachers' variance over all these photographs that was learned, by lesson and in the mean, and the
    mean Gram difference. A channel's own share is at least 0; channels that never answer do not count."""
    student.eval()
    sums: dict[str, Tensor] = {}
    grams = []
    for photo in photos:
        image = photo.to(device)
        grams.append(room.losses(student, image)["gram"])
        for lesson, said, true in room.answers(student, image):
            moments = torch.stack([(said - true).square(), true.square(), true]).mean((1, 3, 4)).double()
            sums[lesson] = sums.get(lesson, torch.zeros_like(moments)) + moments / len(photos)
    learned = {}
    for lesson, (error, square, mean) in sums.items():
        variance = square - mean**2
        heard = variance > 1e-9
        learned[lesson] = float((1 - error[heard] / variance[heard]).clamp(min=0).mean())
    return {"learned": float(np.mean(list(learned.values()))), "gram": float(torch.stack(grams).mean())} | learned


def _report(loop: Loop, room: Classroom, settings: Settings) -> dict[str, float]:
    photos = scoring_photos(settings.data / "photos" / "dev", 3, SCORED)
    scores = score(loop.average.net, room, photos, loop.process.device)
    row = {"step": loop.step, "seconds": round(loop.clock.elapsed)}
    append_row(settings.out / "scores.csv", row | {name: round(value, 4) for name, value in scores.items()})
    export(loop.average.net, settings.out / "features.safetensors", "net.", {"width": str(settings.width)})
    return scores
