"""Seams between patches: small steps vanish, edges stay."""

from __future__ import annotations

import torch

from backend.imaging.inpainting.seams import remove_seams


def shifted_copies(step: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A flat image whose hole was filled with two patches, the right one brighter by `step`: image, where the
    patches came from, hole, truth."""
    height, width = 30, 80
    truth = torch.full((height, width, 3), 0.5)
    truth[:, 60:] += step  # the brighter place, beyond the hole
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    hole = torch.zeros(height, width, dtype=torch.bool)
    hole[8:22, 20:40] = True
    target = torch.zeros_like(hole)
    target[7:23, 19:41] = True
    origin_x = torch.where(x < 30, x - 16, x + 34)
    source_indices = torch.where(target, y * width + origin_x, -1)
    filled = truth.view(-1, 3)[source_indices.clamp(min=0)]
    return torch.where(hole[..., None], filled, truth), source_indices, hole, truth


def test_a_small_step_between_patches_vanishes() -> None:
    image, source_indices, hole, truth = shifted_copies(0.02)
    assert (image - truth)[hole].abs().max() > 0.019
    result = remove_seams(image, source_indices, hole, 0.06)
    assert (result - truth)[hole].abs().max() < 3e-3
    assert result.diff(dim=1)[:, :59].abs().max() < 2e-3
    assert torch.equal(result[~hole], image[~hole])


def test_a_large_step_stays_sharp() -> None:
    image, source_indices, hole, _ = shifted_copies(0.4)
    result = remove_seams(image, source_indices, hole, 0.06)
    assert (result - image).abs().max() < 0.02


def test_a_stain_at_the_edge_fades_inwards() -> None:
    """What touches the hole is a little darker on one side, as beside a shadow; the patches know nothing of it."""
    height, width = 60, 120
    image = torch.full((height, width, 3), 0.5)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    hole = (y >= 10) & (y < 50) & (x >= 10) & (x < 50)
    target = (y >= 9) & (y < 51) & (x >= 9) & (x < 51)
    source_indices = torch.where(target, y * width + x + 60, -1)
    image[:, :10] -= 0.03
    result = remove_seams(image, source_indices, hole, 0.06)
    assert float(result[30, 10, 0]) < 0.48
    assert float(result[30, 40, 0]) > 0.497
