"""Scores of the subject network on images kept from training: IoU of the subject, and of the object meant by a box or
a lasso."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.imagenet import normalize_pixels
from models.networks.subject_net import SubjectNet
from models.training.core.cache import Table
from models.training.core.process import Process
from models.training.segmentation.prompts import REGION, box, lasso

PROMPTS = ("subject", "box", "lasso")
"""What is asked for: the subject without a prompt, the object meant by a box, by a lasso."""


def mask_iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


@torch.no_grad()
def predict_masks(
    net: SubjectNet, image: NDArray[np.uint8], mask: NDArray[np.uint8], size: int, seed: int
) -> list[NDArray[np.bool_]]:
    """The network's masks for the three PROMPTS, H x W each.

    Args:
        net: the network, on any device.
        image: H x W x 3, RGB.
        mask: H x W, 0..255, of which box and lasso are drawn.
        size: side in pixels at which the network looks.
        seed: of the drawing.
    """
    height, width = mask.shape
    device = next(net.parameters()).device
    rng = np.random.default_rng(seed)
    small = normalize_pixels(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))
    batch = torch.from_numpy(small).permute(2, 0, 1)[None].to(device)
    features = net.encode(batch.contiguous(memory_format=torch.channels_last))
    logits = [net.settled_subject(features).logit()]
    for draw in (box, lasso):
        prompt = torch.zeros(1, 3, size, size)
        region = cv2.resize(draw(mask, rng), (size, size), interpolation=cv2.INTER_AREA)
        prompt[0, REGION] = torch.from_numpy(region.astype(np.float32) / 255)
        logits.append(net.object(features, prompt.to(device)))
    small_masks = [x[0, 0].float().cpu().numpy() for x in logits]
    return [cv2.resize(x, (width, height), interpolation=cv2.INTER_LINEAR) > 0 for x in small_masks]


def score(net: SubjectNet, root: Path, size: int, process: Process, every: int = 1) -> dict[str, float]:
    """Mean IoU by set and prompt, e.g. {"ecssd subject": 0.8}; the processes share the work.

    Args:
        net: the network, on any device.
        root: a cache folder with the table `dev`.
        size: side in pixels at which the network looks.
        process: this process.
        every: only each so-many-th image is scored.
    """
    table = Table(root, "dev")
    sets = sorted({entry.set for entry in table.entries})
    sums = torch.zeros(len(sets), len(PROMPTS) + 1)
    net = net.eval()
    for index in range(process.rank * every, len(table), every * process.world):
        pixels = np.asarray(table[index])
        mask = np.ascontiguousarray(pixels[..., 3])
        truth = mask > 127
        found = predict_masks(net, np.ascontiguousarray(pixels[..., :3]), mask, size, index)
        row = [mask_iou(mask, truth) for mask in found]
        sums[sets.index(table.entries[index].set)] += torch.tensor([*row, 1.0])
    sums = process.total(sums.to(process.device)).cpu()
    return {
        f"{name} {prompt}": float(sums[i, j] / sums[i, -1].clamp_min(1))
        for i, name in enumerate(sets)
        for j, prompt in enumerate(PROMPTS)
    }
