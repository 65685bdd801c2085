"""Trains the papers' segmentation networks on a folder of pictures with class maps.

Learning rates by default those of "Seamless Image Cloning": 1e-5 for FCN-32s and everything trained separately, 1e-7
for an FCN that goes on from a coarser one (sequential training); 30 epochs at 224 px. The paper names no optimizer;
Adam is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from models.papers.deeplab import DeepLabLFOV
from models.papers.fcn import FCN
from models.papers.resnet_seg import ResNetSeg
from models.training.core.plot import plot_run
from models.training.core.run import Clock, Process, append_row, autocast, save_atomically
from models.training.segmentation.metrics import SegmentationMetrics, confusion_matrix
from models.training.segmentation.papers_data import IGNORE, SegmentationFolder, median_frequency_weights

SEPARATE_RATE, SEQUENTIAL_RATE = 1e-5, 1e-7

NETWORKS: dict[str, Callable[[Settings], nn.Module]] = {
    "fcn32s": lambda s: FCN(32, s.classes, s.width, s.padding),
    "fcn16s": lambda s: FCN(16, s.classes, s.width, s.padding),
    "fcn8s": lambda s: FCN(8, s.classes, s.width, s.padding),
    "fcn4s": lambda s: FCN(4, s.classes, s.width, s.padding),
    "deeplab_lfov": lambda s: DeepLabLFOV(s.classes, s.width),
    "cnn_resnet": lambda s: ResNetSeg(s.width),
}


@dataclass(frozen=True)
class Settings:
    """One run; the command line explains each."""

    network: str
    data: Path
    out: Path
    minutes: float | None = None
    epochs: int = 30
    size: int = 224
    batch: int = 12
    rate: float | None = None
    resume: bool = False
    bf16: bool = False
    seed: int = 0
    start: Path | None = None
    trunk: Path | None = None
    classes: int = 21
    width: float = 1.0
    padding: int = 100
    balance: bool = False

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Settings:
        names = cls.__dataclass_fields__
        return cls(**{name: value for name, value in vars(options).items() if name in names and value is not None})

    @property
    def peak(self) -> float:
        """The learning rate: what was asked for, else the paper's for sequential or separate training."""
        return self.rate or (SEQUENTIAL_RATE if self.start else SEPARATE_RATE)


def build(settings: Settings) -> nn.Module:
    """The network, started from a trunk or a coarser FCN where asked. ValueError for unknown or impossible
    combinations."""
    if settings.network not in NETWORKS:
        raise ValueError(f"there is no network {settings.network!r}; there are subject, {', '.join(NETWORKS)}")
    if settings.network == "cnn_resnet" and settings.classes != 2:
        raise ValueError("cnn_resnet has one output, foreground against background: give --classes 2")
    torch.manual_seed(settings.seed)
    net = NETWORKS[settings.network](settings)
    if settings.trunk is not None:
        load = (
            load_file if settings.trunk.suffix == ".safetensors" else lambda path: torch.load(path, weights_only=True)
        )
        state = load(settings.trunk)
        distilled = any(name.startswith("trunk.") for name in state)
        (net.trunk.load_features if distilled else net.trunk.load_torchvision)(state)
    if settings.start is not None:
        state = load_file(settings.start)
        if isinstance(net, FCN):
            net.load_coarser(state)
        else:
            net.load_state_dict(state)
    return net


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy a pixel; logits B x C x H x W, or B x 1 x H x W for foreground against background; labels B x H x
    W."""
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], 1)
    return F.cross_entropy(logits, labels, weights, ignore_index=IGNORE)


def predicted_classes(logits: Tensor) -> Tensor:
    """B x H x W class numbers of B x C x H x W logits (or of one logit for the foreground)."""
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)


@torch.no_grad()
def evaluate(net: nn.Module, data: SegmentationFolder, batch: int, process: Process) -> SegmentationMetrics:
    """The four metrics over a split, the work shared among the processes."""
    net.eval()
    counts = torch.zeros(data.classes, data.classes, dtype=torch.int64, device=process.device)
    share = torch.utils.data.Subset(data, range(process.rank, len(data), process.world))
    for images, labels in DataLoader(share, batch):
        predicted = predicted_classes(net(images.to(process.device)).float())
        counts += confusion_matrix(labels.to(process.device), predicted, data.classes)
    return SegmentationMetrics.of(process.total(counts).cpu())


def train(settings: Settings) -> SegmentationMetrics:
    """Trains to the end and returns the best epoch's metrics on `val`, as the paper reports them.

    Leaves in `out`: log.csv, scores.csv, curves.png, last.pt and the best weights as best.safetensors.
    """
    process = Process.start()
    settings.out.mkdir(parents=True, exist_ok=True)
    net = build(settings).to(process.device)
    optimizer = torch.optim.Adam(net.parameters(), settings.peak)
    data = SegmentationFolder(settings.data, "train", settings.size, settings.classes, True, settings.seed)
    held = SegmentationFolder(settings.data, "val", settings.size, settings.classes, False)
    weights = median_frequency_weights(data).to(process.device) if settings.balance else None
    sampler: DistributedSampler[tuple[Tensor, Tensor]] = DistributedSampler(
        data, process.world, process.rank, seed=settings.seed
    )
    loader = DataLoader(data, settings.batch, sampler=sampler)
    epoch, step, elapsed, best = 0, 0, 0.0, SegmentationMetrics(0, 0, 0, 0)
    if settings.resume:
        state = torch.load(settings.out / "last.pt", map_location=process.device, weights_only=True)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        epoch, step, elapsed = state["epoch"], state["step"], state["elapsed"]
        best = SegmentationMetrics(**state["best"])
    clock = Clock(settings.minutes, None if settings.minutes else settings.epochs, elapsed)
    wrapped = process.wrap(net)
    while process.agree(clock.progress(epoch)) < 1:
        net.train()
        data.epoch = epoch
        sampler.set_epoch(epoch)
        total, steps = 0.0, 0
        for images, labels in loader:
            with autocast(process.device, settings.bf16):
                logits = wrapped(images.to(process.device))
            loss = segmentation_loss(logits.float(), labels.to(process.device), weights)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            steps += 1
            total += float(loss.detach())
            if settings.minutes and process.agree(clock.progress(epoch)) >= 1:
                break  # an epoch may be longer than what is left
        epoch += 1
        metrics = evaluate(net, held, settings.batch, process)
        if process.first:
            append_row(settings.out / "log.csv", {"step": step, "loss": total / steps})
            append_row(settings.out / "scores.csv", {"step": step} | asdict(metrics))
            if metrics.mean_iu > best.mean_iu:
                save_file(
                    {key: value.contiguous() for key, value in net.state_dict().items()},
                    settings.out / "best.safetensors",
                )
        best = max(best, metrics, key=lambda m: m.mean_iu)
        if process.first:
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "step": step}
            save_atomically(state | {"elapsed": clock.elapsed, "best": asdict(best)}, settings.out / "last.pt")
    if process.first:
        plot_run(settings.out, settings.out / "curves.png")
    process.agree(0)  # the first process has written all
    return best
