"""Reruns the segmentation papers' comparisons at small scale and writes their tables next to the published ones.

    [torchrun --nproc-per-node N -m] benchmarks.segmentation_papers --classes-data VOC --portraits PORTRAITS --out RUNS

VOC: a folder in PASCAL VOC's layout, or with images/ and masks/ for --classes 2 (tables I to IV of "Seamless Image
Cloning"). PORTRAITS: images/ and masks/ (the comparison of "Portrait Segmentation and Background Stylization", with
K-means, and with the dense CRF that its outlook names). Either may be left out. A slim trunk without ImageNet weights
wants a higher learning rate than the papers': --lr is for separate training, a hundredth of it for sequential
training, which is the papers' ratio.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.imaging.masks import kmeans
from models.imagenet import MEAN, STD, normalize
from models.papers import crf
from models.training.core.checkpoint import load_weights
from models.training.core.process import Process
from models.training.segmentation.metrics import SegmentationMetrics, confusion_matrix
from models.training.segmentation.papers import SegmentConfig, build, train
from models.training.segmentation.papers_data import SegmentationFolder

HEADER = "| network | pixel acc. | mean acc. | mean IU | f.w. IU | published |\n| --- | --- | --- | --- | --- | --- |"

SEPARATE = {
    "fcn32s": (87.41, 66.90, 53.53, 79.02),
    "fcn16s": (87.87, 68.19, 54.52, 79.74),
    "fcn8s": (88.40, 70.47, 56.16, 80.50),
    "fcn4s": (88.63, 71.95, 56.77, 80.99),
}
SEQUENTIAL = {"fcn16s": (87.52, 68.71, 54.44, 79.21), "fcn8s": (87.55, 68.78, 54.48, 79.22), "fcn4s": None}
PADDINGS = {80: (85.31, 63.12, 48.68, 75.88), 100: (87.41, 66.90, 53.53, 79.02), 130: (87.28, 67.41, 53.69, 78.92)}
PORTRAITS = {
    "cnn_resnet": (86.97, 86.43, 85.72, 85.90),
    "deeplab_lfov": (97.34, 97.11, 94.70, 94.81),
    "fcn8s": (96.50, 96.63, 98.04, 98.16),
}


def line(name: str, found: SegmentationMetrics, published: tuple[float, ...] | None) -> str:
    """One row of a table, in percent."""
    values = (found.pixel_accuracy, found.mean_accuracy, found.mean_iu, found.frequency_weighted_iu)
    theirs = " / ".join(f"{value:.2f}" for value in published) if published else "not given"
    return f"| {name} | " + " | ".join(f"{100 * value:.2f}" for value in values) + f" | {theirs} |"


def class_tables(base: SegmentConfig) -> str:
    """Tables I to IV: strides trained separately and in sequence, and three paddings of the first layer."""
    sequential, padded = [], []
    found = {name: train(replace(base, network=name, out=base.out / name)) for name in SEPARATE}
    separate = [line(name, found[name], published) for name, published in SEPARATE.items()]
    before = base.out / "fcn32s" / "best.safetensors"
    for name, published in SEQUENTIAL.items():
        out = base.out / f"{name}_sequential"
        lr = None if base.lr is None else base.lr / 100
        sequential.append(line(name, train(replace(base, network=name, out=out, init=before, lr=lr)), published))
        before = out / "best.safetensors"
    for padding, published in PADDINGS.items():
        run = replace(base, network="fcn32s", padding=padding, out=base.out / f"fcn32s_padding{padding}")
        scores = found["fcn32s"] if padding == base.padding else train(run)
        padded.append(line(f"fcn32s, padding {padding}", scores, published))
    parts = {"Trained separately": separate, "Trained in sequence": sequential, "Padding of the first layer": padded}
    return "\n".join(f"## {title}\n\n{HEADER}\n" + "\n".join(rows) + "\n" for title, rows in parts.items())


def scored(answer: Callable[[NDArray[np.float32]], Tensor], held: SegmentationFolder) -> SegmentationMetrics:
    """The metrics of a method that answers an image, S x S x 3 in 0..1, with S x S class numbers."""
    process = Process.start()
    counts = torch.zeros(held.classes, held.classes, dtype=torch.int64)
    for index in range(process.rank, len(held), process.world):
        image, labels = held[index]
        pixels = np.clip(image.permute(1, 2, 0).numpy() * np.float32(STD) + np.float32(MEAN), 0, 1)
        counts += confusion_matrix(labels, answer(pixels), held.classes)
    return SegmentationMetrics.of(process.total(counts))


def clustered(image: NDArray[np.float32]) -> Tensor:
    """The subject by K-means with two clusters, as the paper has it."""
    return torch.from_numpy((kmeans.subject_mask(kmeans.segment(image, clusters=2)) > 127).astype(np.int64))


def with_crf(net: nn.Module) -> Callable[[NDArray[np.float32]], Tensor]:
    """The network's answer after mean-field inference."""

    @torch.inference_mode()
    def answer(image: NDArray[np.float32]) -> Tensor:
        logits = net(normalize(torch.from_numpy(image).permute(2, 0, 1)[None]))[0]
        both = torch.cat([torch.zeros_like(logits), logits]) if len(logits) == 1 else logits
        return torch.from_numpy(crf.refine(both.numpy(), np.ascontiguousarray(image)).argmax(0))

    return answer


def portrait_table(base: SegmentConfig) -> str:
    """K-means, CNN+ResNet, DeepLab-LFOV and FCN-8s on two classes, the networks with and without a CRF."""
    held = SegmentationFolder(base.data, "val", base.size, 2, False)
    rows = [line("K-means", scored(clustered, held), None)]
    for name, published in PORTRAITS.items():
        config = replace(base, network=name, classes=2, out=base.out / f"portrait_{name}")
        rows.append(line(name, train(config), published))
        net = build(config).eval()
        net.load_state_dict(load_weights(config.out / "best.safetensors"), strict=False)
        rows.append(line(f"{name}, CRF", scored(with_crf(net), held), None))
    return f"## Portraits\n\n{HEADER}\n" + "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes-data", type=Path, help="a folder in PASCAL VOC's layout")
    parser.add_argument("--classes", type=int, default=21)
    parser.add_argument("--portraits", type=Path, help="a folder with images/ and masks/")
    parser.add_argument("--out", type=Path, required=True)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="passes over the data for each run (default: the papers' 30)")
    length.add_argument("--minutes", type=float, help="length of each of the runs by the clock")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--lr", type=float, help="default: the papers' 1e-5 and 1e-7")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--trunk", type=Path, help="torchvision's VGG-16 weights; needs --width 1")
    options = parser.parse_args()
    base = SegmentConfig(
        network="fcn32s", data=Path(), out=options.out, minutes=options.minutes, epochs=options.epochs,
        size=options.size, batch=options.batch, lr=options.lr, bf16=options.bf16, trunk=options.trunk,
        classes=options.classes, width=options.width,
    )  # fmt: skip
    tables = []
    if options.classes_data is not None:
        tables.append(class_tables(replace(base, data=options.classes_data)))
    if options.portraits is not None:
        tables.append(portrait_table(replace(base, data=options.portraits)))
    if not tables:
        parser.error("give --classes-data, --portraits or both")
    text = "# The papers' comparisons, small\n\n" + "\n".join(tables)
    if Process.start().first:
        (options.out / "tables.md").write_text(text)
        print(text)


if __name__ == "__main__":
    main()
