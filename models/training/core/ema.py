"""Exponential moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged_model(net: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A copy of `net` on its device that follows it, quickly at first; `update_parameters(net)` after each step.

    Batch-norm statistics are averaged alike, counters are copied.
    """

    @torch.no_grad()
    def follow(averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        if not averaged[0].is_floating_point():
            for mine, theirs in zip(averaged, current, strict=True):
                mine.copy_(theirs)
            return
        count = int(updates) + 1
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + count) / (20 + count)))

    copy = AveragedModel(net, multi_avg_fn=follow, use_buffers=True)
    copy.requires_grad_(False)
    copy.eval()
    return copy
