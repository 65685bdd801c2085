"""How much nearer to the truth than the plain composite a copy-paste network comes, on images kept from training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from models.papers.copy_paste import CopyPasteNet
from models.training.paste.data import Blend, Difficulty, PasteSamples, stacked
from models.training.paste.losses import foreground_mean


class PasteEvaluator:
    """Errors on a fixed series of composites.

    Args:
        series: samples; see `held_out_series`.
    """

    shared = False

    def __init__(self, series: list[dict[str, Tensor]]) -> None:
        self.series = series

    def score(self, net: CopyPasteNet) -> dict[str, float]:
        """Mean squared errors under the mask, of 8-bit values: the network's, the plain composite's, their ratio."""
        device = next(net.parameters()).device
        sums = torch.zeros(2)
        for batch in stacked(self.series, 8):
            image, source, mask = (batch[name].to(device) for name in ("image", "source", "mask"))
            poisson = batch["poisson"].to(device) if net.config.poisson else None
            result = net(source, image, mask, poisson, torch.Generator().manual_seed(0)).clamp(0, 1)
            for i, pixels in enumerate((result, source)):
                sums[i] += foreground_mean((pixels - image).square(), mask).sum().cpu()
        deep, plain = (255**2 * sums / len(self.series)).tolist()
        return {"foreground_mse": deep, "plain_mse": plain, "ratio": deep / plain}

    def objective(self, scores: dict[str, float]) -> float:
        """The network's error."""
        return scores["foreground_mse"]


def held_out_series(
    data: Path, size: int, count: int, difficulty: Difficulty, blend: Blend | None
) -> list[dict[str, Tensor]]:
    """Always the same composites from images that are never trained on."""
    return PasteSamples(data, size, 0, difficulty, blend, tables=("dev",), shapes="dev").series(count)
