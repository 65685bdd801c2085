"""Scores of the subject network on pictures kept from training: IoU of the subject, and of the object meant by a box or
a lasso."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.networks.subject_net import SubjectNet
from models.training.core.cache import Table
from models.training.core.run import Process
from models.training.segmentation.prompts import REGION, box, lasso

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
QUESTIONS = ("subject", "box", "lasso")


def mask_iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


@torch.no_grad()
def answers(
    net: SubjectNet, picture: NDArray[np.uint8], mask: NDArray[np.uint8], size: int, seed: int
) -> list[NDArray[np.bool_]]:
    """The network's masks for the three QUESTIONS about one H x W x 3 picture, at its own size."""
    height, width = mask.shape
    rng = np.random.default_rng(seed)
    rgb = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    image = torch.from_numpy((rgb - MEAN) / STD).permute(2, 0, 1)[None]
    features = net.encode(image.contiguous(memory_format=torch.channels_last))
    logits = [net.settled_subject(features).logit()]
    for draw in (box, lasso):
        prompt = torch.zeros(1, 3, size, size)
        region = cv2.resize(draw(mask, rng), (size, size), interpolation=cv2.INTER_AREA)
        prompt[0, REGION] = torch.from_numpy(region.astype(np.float32) / 255)
        logits.append(net.object(features, prompt))
    return [cv2.resize(x[0, 0].float().numpy(), (width, height), interpolation=cv2.INTER_LINEAR) > 0 for x in logits]


def score(net: SubjectNet, root: Path, size: int, process: Process, every: int = 1) -> dict[str, float]:
    """Mean IoU by set and question, e.g. {"ecssd subject": 0.8}; the work is shared among the processes. Runs on the
    CPU.

    root: a cache folder with the table `dev`; every: look only at each so-many-th picture.
    """
    table = Table(root, "dev")
    sets = sorted({entry.set for entry in table.entries})
    sums = torch.zeros(len(sets), len(QUESTIONS) + 1, dtype=torch.float64)
    net = net.eval()
    for index in range(process.rank * every, len(table), every * process.world):
        pixels = np.asarray(table[index])
        mask = np.ascontiguousarray(pixels[..., 3])
        truth = mask > 127
        guesses = answers(net, np.ascontiguousarray(pixels[..., :3]), mask, size, index)
        row = [mask_iou(guess, truth) for guess in guesses]
        sums[sets.index(table.entries[index].set)] += torch.tensor([*row, 1.0], dtype=torch.float64)
    sums = process.total(sums.to(process.device)).cpu()
    return {
        f"{name} {question}": float(sums[i, j] / sums[i, -1].clamp_min(1))
        for i, name in enumerate(sets)
        for j, question in enumerate(QUESTIONS)
    }
