"""Losses of the segmentation networks. Logits and targets are B x 1 x H x W (or B x C x H x W with B x H x W class
numbers)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def boundary_weight(target: Tensor, width: int = 15, strength: float = 4.0) -> Tensor:
    """1 far from the edge of the mask, up to 1 + strength/2 on it: how far a pixel differs from its surroundings (Wei
    et al. 2020, F3Net)."""
    padding = width // 2
    mean = F.avg_pool2d(target, (width, 1), 1, (padding, 0), count_include_pad=False)
    mean = F.avg_pool2d(mean, (1, width), 1, (0, padding), count_include_pad=False)
    return 1 + strength * (mean - target).abs()


def soft_iou_loss(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 - soft intersection over union, a value an image (B); values 0..1. An empty target with an empty answer costs
    nothing."""
    weight = torch.ones_like(target) if weight is None else weight
    both = (probability * target * weight).sum((1, 2, 3))
    either = ((probability + target) * weight).sum((1, 2, 3)) - both
    return 1 - (both + 1) / (either + 1)


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Boundary-weighted binary cross-entropy plus boundary-weighted soft IoU, a value an image (B)."""
    weight = boundary_weight(target)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    entropy = (entropy * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))
    return entropy + soft_iou_loss(logits.sigmoid(), target, weight)


def soft_class_targets(labels: Tensor, classes: int, factor: int, ignore: int = 255) -> tuple[Tensor, Tensor]:
    """Class maps at a finer stride to area fractions `factor` times coarser.

    labels: B x h x w integers. Returns targets B x classes x h/factor x w/factor summing to 1 where known, and the
    known share of each cell, B x h/factor x w/factor.
    """
    known = labels != ignore
    one_hot = F.one_hot(labels.long().masked_fill(~known, 0), classes) * known[..., None]
    share = F.avg_pool2d(one_hot.permute(0, 3, 1, 2).float(), factor)
    total = share.sum(1)
    return share / total.clamp_min(1e-6)[:, None], total


def class_loss(logits: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Cross-entropy against class maps given `factor` times finer than the logits; cells that are unknown do not count.

    logits: B x C x h x w; labels: B x fh x fw; class_weights: C.
    """
    target, known = soft_class_targets(labels, logits.shape[1], labels.shape[-1] // logits.shape[-1])
    weighted = target * class_weights[:, None, None]
    cost = -(weighted * logits.log_softmax(1)).sum(1) * known
    return cost.sum() / (weighted.sum(1) * known).sum().clamp_min(1.0)
