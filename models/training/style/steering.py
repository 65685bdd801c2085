"""Weights of the style losses that are moved while a run goes on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class Steering:
    """Weights of the losses, moved by what they were: slowly, and alike in all processes.

    Args:
        styles: how many there are.
        gram_weight: weight of the Gram losses at first; content has 1.
        content_target: content loss to which that weight is steered.
        device: of the losses.
    """

    def __init__(self, styles: int, gram_weight: float, content_target: float, device: torch.device) -> None:
        self.gram_weight, self.content_target = gram_weight, content_target
        self.start = gram_weight
        self.grams = torch.ones(styles, device=device)  # running mean by style
        self.content = content_target

    def weights(self) -> Tensor:
        """By style, 1 on the mean; the worst weighs at most two and a half times as much."""
        relative = (self.grams / self.grams.mean()).clamp(0.6, 2.5)
        return relative / relative.mean()

    def update(self, grams: Tensor, counts: Tensor, content: float, progress: float) -> None:
        """grams: sums of the Gram losses by style; counts: images by style; content: mean content loss."""
        seen = counts > 0
        means = grams / counts.clamp(min=1)
        self.grams = torch.where(seen, self.grams.lerp(means, 0.1), self.grams)
        self.content += 0.05 * (content - self.content)
        if progress > 0.15:  # the first content losses are those of a network that knows nothing yet
            moved = self.gram_weight * math.exp(0.01 * max(-1.0, min(1.0, self.content_target - self.content)))
            self.gram_weight = max(self.start / 4, min(self.start * 6, moved))

    def columns(self) -> dict[str, float]:
        """For the log."""
        gram, worst = float(self.grams.mean()), float(self.grams.max())
        return {"gram": gram, "worst": worst, "content": self.content, "gram_weight": self.gram_weight}

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"gram_weight": self.gram_weight, "grams": self.grams, "content": self.content}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.gram_weight, self.grams, self.content = state["gram_weight"], state["grams"], state["content"]
