"""How near a style network comes to its paintings, and how much of the photograph it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from models.networks.transformer_net import TransformerNet
from models.papers.gatys import gram_matrix
from models.training.core.loop import autocast
from models.training.core.process import Process
from models.training.style.data import read_image, to_tensor
from models.training.style.losses import LossNetwork, Taps, gram_loss
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

PAINTING_SIDE = 384  # px, shorter side, at which a painting's Gram matrices are taken

Score = tuple[float, float]
"""Mean relative Gram loss and mean relative content loss over the photographs."""


@torch.no_grad()
def painting_grams(loss_network: LossNetwork, folder: Path, presets: Sequence[str], device: torch.device) -> Taps:
    """Gram matrices of the presets' paintings by tap, one row a preset."""
    images = [to_tensor(read_image(folder / PRESETS[name].file, PAINTING_SIDE)).to(device) for name in presets]
    grams = [{tap: gram_matrix(f) for tap, f in loss_network(image).items()} for image in images]
    return {tap: torch.cat([gram[tap] for gram in grams]) for tap in grams[0]}


@torch.no_grad()
def score(
    net: TransformerNet,
    loss_network: LossNetwork,
    grams: Taps,
    photos: Sequence[Tensor],
    process: Process,
    bf16: bool = False,
) -> dict[str, Score]:
    """Scores by preset, and as `photograph` those of the photographs as they are (a content loss of 0).

    grams: one row for each style of the network but `photograph`, in their order; the processes share the photographs.
    """
    presets = [name for name in net.config.styles if name != PHOTOGRAPH]
    sums = torch.zeros(len(presets) + 1, 2, device=process.device)
    for photo in photos[process.rank :: process.world]:
        image = photo.to(process.device).contiguous(memory_format=torch.channels_last)
        with autocast(process.device, bf16):
            of_photo = loss_network(image)
        sums[-1, 0] += gram_loss(of_photo, grams).mean()
        for row, name in enumerate(presets):
            with autocast(process.device, bf16):
                found = loss_network(net(image, net.code({name: 1.0})))
            target = {tap: gram[row : row + 1] for tap, gram in grams.items()}
            sums[row] += torch.stack([gram_loss(found, target)[0], loss_network.content_loss(found, of_photo)[0]])
    means = process.total(sums) / len(photos)
    return {
        name: (float(gram), float(content)) for name, (gram, content) in zip([*presets, PHOTOGRAPH], means, strict=True)
    }


def mean_score(scores: dict[str, Score]) -> Score:
    """Means over the presets."""
    presets = [value for name, value in scores.items() if name != PHOTOGRAPH]
    return sum(gram for gram, _ in presets) / len(presets), sum(content for _, content in presets) / len(presets)
