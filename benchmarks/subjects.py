"""How well the subject is found: the bundled network beside its teachers and two simple answers, a set at a time.

    python -m benchmarks.subjects DATA [--every N] [--size PIXELS] [--out TABLE.md]

DATA holds subjects/dev and reference/. Per set: IoU at one half, max-F (beta squared 0.3), MAE, and IoU of the boundary
bands (3 % of the diagonal wide). Networks that need `ai-edge-litert` are left out, with a line saying so, where it is
not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models import store
from models.training.prompts import REGION, box, lasso
from models.training.teachers import PERSON, TFLite

Pixels = NDArray[np.uint8]
Probability = NDArray[np.float32]
Method = Callable[
    [Pixels, Pixels], Probability
]  # picture, true mask (for prompts) -> probability at the picture's size
BETA_SQUARED = 0.3
THRESHOLDS = np.arange(0, 256, 5)


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The band of a mask's pixels within 3 % of the picture's diagonal of its edge (Cheng et al. 2021)."""
    width = max(1, round(0.03 * float(np.hypot(*mask.shape))))
    padded = np.pad(mask.astype(np.uint8), 1)
    return mask & ~cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1].astype(bool)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


class Scores:
    """Running means of the four measures over pictures."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, float]] = []
        self._precision: list[NDArray[np.float64]] = []
        self._recall: list[NDArray[np.float64]] = []

    def add(self, soft: Pixels, guess: Pixels) -> None:
        """soft, guess: H x W uint8, the true mask and the answer."""
        true, hard = soft > 127, guess > 127
        error = float(np.abs(soft.astype(float) - guess).mean() / 255)
        self._rows.append((iou(true, hard), error, iou(boundary(true), boundary(hard))))
        hits = np.array([np.count_nonzero(true & (guess > t)) for t in THRESHOLDS], float)
        claimed = np.array([np.count_nonzero(guess > t) for t in THRESHOLDS], float)
        self._precision.append(hits / np.maximum(claimed, 1))
        self._recall.append(hits / max(1, np.count_nonzero(true)))

    def row(self) -> tuple[float, float, float, float]:
        """IoU, max-F, MAE, boundary IoU."""
        mean_iou, error, edge = np.mean(self._rows, 0)
        precision, recall = np.mean(self._precision, 0), np.mean(self._recall, 0)
        f = (1 + BETA_SQUARED) * precision * recall / np.maximum(BETA_SQUARED * precision + recall, 1e-9)
        return float(mean_iou), float(f.max()), float(error), float(edge)


def _bundled(size: int) -> dict[str, Method]:
    net, card = store.load("subject")
    mean, std = np.array(card.mean, np.float32), np.array(card.std, np.float32)
    side = size or card.input_size

    def features(picture: Pixels) -> list[torch.Tensor]:
        rgb = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return net.encode(torch.from_numpy((rgb - mean) / std).permute(2, 0, 1)[None])

    def at_size(logits: torch.Tensor, mask: Pixels) -> Probability:
        return cv2.resize(logits.sigmoid()[0, 0].numpy(), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)

    def subject(picture: Pixels, mask: Pixels) -> Probability:
        return at_size(net.subject(features(picture)), mask)

    def meant(draw: Callable[[Pixels, np.random.Generator], Pixels]) -> Method:
        def answer(picture: Pixels, mask: Pixels) -> Probability:
            region = draw(mask, np.random.default_rng(int(mask.sum())))
            prompt = torch.zeros(1, 3, side, side)
            small = cv2.resize(region, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
            prompt[0, REGION] = torch.from_numpy(small)
            return at_size(net.object(features(picture), prompt), mask)

        return answer

    return {"bundled, subject": subject, "bundled, from a box": meant(box), "bundled, from a lasso": meant(lasso)}


def _middle_box(picture: Pixels, mask: Pixels) -> Probability:
    height, width = mask.shape
    out = np.zeros(mask.shape, np.float32)
    out[height // 6 : height - height // 6, width // 6 : width - width // 6] = 1
    return out


def _references(folder: Path) -> dict[str, Method]:
    if importlib.util.find_spec("ai_edge_litert") is None:
        print("ai-edge-litert is not installed: the reference networks are left out (pip install inlay[train])")
        return {}
    deeplab = TFLite(folder / "deeplabv3_mnv2_pascal_quant.tflite")
    meet = TFLite(folder / "segm_full_v679.tflite")
    selfie = TFLite(folder / "selfie_mlkit_256_f16.tflite")

    def classes(picture: Pixels, mask: Pixels) -> Probability:
        return cv2.resize((deeplab(picture) > 0).astype(np.float32), mask.shape[::-1])

    def person(picture: Pixels, mask: Pixels) -> Probability:
        return cv2.resize((deeplab(picture) == PERSON).astype(np.float32), mask.shape[::-1])

    def meet_portrait(picture: Pixels, mask: Pixels) -> Probability:
        scores = meet(picture)
        return cv2.resize(1 / (1 + np.exp(scores[..., 0] - scores[..., 1])), mask.shape[::-1])

    def selfie_portrait(picture: Pixels, mask: Pixels) -> Probability:
        return cv2.resize(selfie(picture)[..., 0], mask.shape[::-1])

    return {
        "DeepLabV3, all classes": classes,
        "DeepLabV3, people": person,
        "Meet portrait": meet_portrait,
        "ML Kit selfie": selfie_portrait,
    }


@torch.no_grad()
def compare(data: Path, methods: dict[str, Method], every: int) -> str:
    """A Markdown table of all methods on each so-many-th picture of subjects/dev."""
    folder = data / "subjects" / "dev"
    scores: dict[tuple[str, str], Scores] = {}
    pictures = {path.stem: path for path in (folder / "images").iterdir()}
    for path in sorted((folder / "masks").glob("*.png"))[::every]:
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        picture = cv2.cvtColor(cv2.imread(str(pictures[path.stem])), cv2.COLOR_BGR2RGB)
        for name, method in methods.items():
            guess = np.round(method(picture, mask).clip(0, 1) * 255).astype(np.uint8)
            scores.setdefault((path.stem.split("_")[0], name), Scores()).add(mask, guess)
    lines = ["| set | method | IoU | max-F | MAE | boundary IoU |", "| --- | --- | --- | --- | --- | --- |"]
    for (group, name), score in sorted(scores.items(), key=lambda item: item[0][0]):
        lines.append(f"| {group} | {name} | " + " | ".join(f"{value:.3f}" for value in score.row()) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--size", type=int, default=0, help="the network's picture side (default: its card's)")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    methods = {**_bundled(options.size), "box in the middle": _middle_box, **_references(options.data / "reference")}
    table = compare(options.data, methods, options.every)
    print(table)
    if options.out:
        options.out.write_text(table)


if __name__ == "__main__":
    main()
