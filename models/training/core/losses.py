"""Losses that more than one task uses."""

from __future__ import annotations

from torch import Tensor


def total_variation(image: Tensor, region: Tensor | None = None) -> Tensor:
    """Absolute differences of neighbors across and down, summed, over the number of elements.

    Args:
        image: B x C x H x W.
        region: B x 1 x H x W, 1 where both neighbors must lie to count; None: everywhere.

    Returns:
        One value an image, B.
    """
    across, down = image.diff(dim=3).abs(), image.diff(dim=2).abs()
    if region is not None:
        across = across * (region[..., 1:] * region[..., :-1])
        down = down * (region[..., 1:, :] * region[..., :-1, :])
    return (across.sum((1, 2, 3)) + down.sum((1, 2, 3))) / image[0].numel()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of B values where `mask`, B, is 1; 0 where it is 1 nowhere."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
