"""Trains the papers' segmentation networks on a folder of images with class maps.

Learning rates by default those of "Seamless Image Cloning": 1e-5 for FCN-32s and everything trained separately, 1e-7
for an FCN that goes on from a coarser one (sequential training); 30 epochs at 224 px. The paper names no optimizer;
Adam is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torch.utils.data.distributed import DistributedSampler

from models.papers.deeplab import DeepLabLFOV
from models.papers.fcn import FCN
from models.papers.resnet_seg import ResNetSeg
from models.training.core.checkpoint import Exported, load_weights
from models.training.core.config import RunConfig
from models.training.core.loop import Loop, StepOptions
from models.training.core.plot import plot_run
from models.training.core.process import Process
from models.training.core.schedule import constant
from models.training.segmentation.metrics import SegmentationMetrics, confusion_matrix
from models.training.segmentation.papers_data import SegmentationFolder, median_frequency_weights
from models.voc import IGNORE, VOC_CLASSES
from models.zoo.store import read_weights

SEPARATE_LR, SEQUENTIAL_LR = 1e-5, 1e-7
EPOCHS = 30

NetworkName = Literal["fcn32s", "fcn16s", "fcn8s", "fcn4s", "deeplab_lfov", "cnn_resnet"]


@dataclass(frozen=True, kw_only=True)
class SegmentConfig(RunConfig):
    """Train a segmentation network of the papers."""

    network: NetworkName
    """which one"""
    data: Path
    """a folder in PASCAL VOC's layout, or with images/ and masks/"""
    epochs: int | None = None
    """length by passes over the data, instead of --minutes or --steps (30, the papers')"""
    size: int = 224
    """side of the images in pixels"""
    batch: int = 12
    """images a process and step"""
    lr: float | None = None
    """learning rate (1e-5; 1e-7 from a coarser network: the papers')"""
    init: Path | None = None
    """an exported network to start from; for FCN-16s, 8s and 4s the coarser one"""
    trunk: Path | None = None
    """VGG-16 weights in torchvision's names, or a feature network, to start from"""
    classes: int = len(VOC_CLASSES)
    """number of classes, background included"""
    width: float = 1.0
    """factor on the trunk's channels; 1 is the published one"""
    padding: int = 100
    """of the first layer of an FCN: 80, 100 or 130"""
    balance: bool = False
    """weigh classes by median frequency"""

    counts_epochs: ClassVar[bool] = True

    @property
    def peak(self) -> float:
        """The learning rate: what was asked for, else the paper's for sequential or separate training."""
        return self.lr or (SEQUENTIAL_LR if self.init else SEPARATE_LR)


NETWORKS: dict[str, Callable[[SegmentConfig], FCN | DeepLabLFOV | ResNetSeg]] = {
    "fcn32s": lambda c: FCN(32, c.classes, c.width, c.padding),
    "fcn16s": lambda c: FCN(16, c.classes, c.width, c.padding),
    "fcn8s": lambda c: FCN(8, c.classes, c.width, c.padding),
    "fcn4s": lambda c: FCN(4, c.classes, c.width, c.padding),
    "deeplab_lfov": lambda c: DeepLabLFOV(c.classes, c.width),
    "cnn_resnet": lambda c: ResNetSeg(c.width),
}
assert set(NETWORKS) == set(get_args(NetworkName))


def build(config: SegmentConfig) -> nn.Module:
    """The network, started from a trunk or a coarser FCN where asked. ValueError for unknown or impossible
    combinations."""
    if config.network not in NETWORKS:
        raise ValueError(f"there is no network {config.network!r}; there are {', '.join(NETWORKS)}")
    if config.network == "cnn_resnet" and config.classes != 2:
        raise ValueError("cnn_resnet has one output, foreground against background: give --classes 2")
    torch.manual_seed(config.seed)
    net = NETWORKS[config.network](config)
    if config.trunk is not None:
        state = read_weights(config.trunk)
        distilled = any(name.startswith("trunk.") for name in state)
        (net.trunk.load_features if distilled else net.trunk.load_torchvision)(state)
    if config.init is not None:
        state = load_weights(config.init)
        if isinstance(net, FCN):
            net.load_coarser(state)
        else:
            net.load_state_dict(state, strict=False)
    return net


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy a pixel.

    Args:
        logits: B x C x H x W, or B x 1 x H x W for foreground against background.
        labels: B x H x W.
        weights: of the classes, C.
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], 1)
    return F.cross_entropy(logits, labels, weights, ignore_index=IGNORE)


def predicted_classes(logits: Tensor) -> Tensor:
    """B x H x W class numbers of B x C x H x W logits (or of one logit for the foreground)."""
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)


class SegmentEvaluator:
    """The four metrics over a split, the work shared among the processes.

    Args:
        data: the split.
        batch: images at a time.
        process: this process.
    """

    shared = True

    def __init__(self, data: SegmentationFolder, batch: int, process: Process) -> None:
        self.data, self.batch, self.process = data, batch, process

    @torch.no_grad()
    def score(self, net: nn.Module) -> dict[str, float]:
        """By the names of `SegmentationMetrics`."""
        net.eval()
        device, classes = self.process.device, self.data.classes
        counts = torch.zeros(classes, classes, dtype=torch.int64, device=device)
        for images, labels in DataLoader(Subset(self.data, self._share()), self.batch):
            predicted = predicted_classes(net(images.to(device)).float())
            counts += confusion_matrix(labels.to(device), predicted, classes)
        return asdict(SegmentationMetrics.of(self.process.total(counts).cpu()))

    def _share(self) -> range:
        return range(self.process.rank, len(self.data), self.process.world)

    def objective(self, scores: dict[str, float]) -> float:
        """How much the mean IU is below 1."""
        return 1 - scores["mean_iu"]


class Epochs:
    """Batches of a split, pass after pass, each in another order; the processes share every pass."""

    def __init__(self, data: SegmentationFolder, config: SegmentConfig, process: Process) -> None:
        self.data = data
        self.sampler: DistributedSampler[Any] = DistributedSampler(data, process.world, process.rank, seed=config.seed)
        self.loader = DataLoader(data, config.batch, sampler=self.sampler)

    def __len__(self) -> int:
        """Steps of a pass."""
        return len(self.loader)

    def batches(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """From the pass on in which `step` lies."""
        epoch = step // len(self)
        while True:
            self.data.epoch = epoch
            self.sampler.set_epoch(epoch)
            yield from self.loader
            epoch += 1


def train(config: SegmentConfig) -> SegmentationMetrics:
    """Trains to the end and returns the best epoch's metrics on `val`, as the paper reports them.

    Leaves in `config.out` what is said at `Loop` (best.safetensors is the network itself, not an average), and
    curves.png.
    """
    process = Process.start()
    net = build(config).to(process.device)
    data = SegmentationFolder(config.data, "train", config.size, config.classes, True, config.seed)
    held = SegmentationFolder(config.data, "val", config.size, config.classes, False)
    weights = median_frequency_weights(data).to(process.device) if config.balance else None
    epochs = Epochs(data, config, process)
    if config.minutes is None and config.steps is None:
        config = replace(config, epochs=None, steps=(config.epochs or EPOCHS) * len(epochs))
    loop = Loop(
        net,
        torch.optim.Adam(net.parameters(), config.peak),
        process,
        config,
        evaluator=SegmentEvaluator(held, config.batch, process),
        options=StepOptions(constant, clip=None, decay=None, log_every=len(epochs)),
        exported=Exported(dtype=torch.float32),
    )
    samples = epochs.batches(loop.step)
    for _ in loop:
        images, labels = next(samples)
        with loop.autocast():
            logits = loop.forward(images.to(process.device))
        loop.update({"loss": segmentation_loss(logits.float(), labels.to(process.device), weights)})
        if loop.step % len(epochs) == 0:
            loop.evaluate()
    if process.first:
        plot_run(config.out, config.out / "curves.png")
    process.agree(0)  # the first process has written all
    return SegmentationMetrics(**loop.best_scores)
