"""Seams between patches taken away in the gradient domain.

Patches side by side differ a little in brightness where light or sky changes slowly. Each patch says how much
neighboring pixels should differ; the correction whose differences are those comes from a Poisson equation with nothing
to correct outside of the hole (Pérez et al. 2003, equation 7). Large disagreements are edges between things and stay.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import CancelCheck, stop_if

FINEST = 30  # iterations on the finest level
PULL = 1e-2  # share of a value that goes back to 0, beside the four neighbors' ones: it fades over ten pixels


def remove_seams(
    image: Tensor, source_indices: Tensor, hole: Tensor, limit: float, cancelled: CancelCheck | None = None
) -> Tensor:
    """A filled image with the seams between its patches removed.

    Args:
        image: H x W x 3, 0..1.
        source_indices: H x W, where in the image (y * W + x) the patch around a pixel of the hole and its neighbors was
            taken from, one pixel or more away from the image's border; -1 elsewhere.
        hole: H x W bool.
        limit: the disagreement, of 0..1, that counts half.
        cancelled: polled while the equation is solved.

    Returns:
        H x W x 3; bit-identical outside the hole.

    Raises:
        Cancelled: `cancelled()` returned True.
    """
    height, width = hole.shape
    flat = image.reshape(height * width, 3)
    rows, columns = (hole.any(dim).nonzero()[:, 0] for dim in (1, 0))
    top, bottom = max(int(rows[0]) - 2, 0), int(rows[-1]) + 3
    left, right = max(int(columns[0]) - 2, 0), int(columns[-1]) + 3
    window = (slice(top, bottom), slice(left, right))
    part, where, inside = image[window], source_indices[window], hole[window]
    flux = torch.zeros_like(part)
    for axis, step in ((0, width), (1, 1)):
        first, second = _pairs(where, axis)
        views = []
        for place, near, far in ((first, 0, step), (second, -step, 0)):
            known = (place >= 0)[..., None]
            safe = place.clamp(min=step)
            views.append((torch.where(known, flat[safe + near] - flat[safe + far], 0), known))
        count = views[0][1].float() + views[1][1]
        wanted = (views[0][0] + views[1][0]) / count.clamp(min=1)
        one, other = _pairs(part, axis)
        lack = (wanted - (one - other)) * (count > 0)
        size = lack.abs().amax(2, keepdim=True)
        lack *= 1 / (1 + (size / limit).pow(4))
        gain, loss = _pairs(flux, axis)
        gain += lack
        loss -= lack
    flux *= inside[..., None]
    correction = _solve(flux.permute(2, 0, 1).contiguous(), inside.float(), FINEST, cancelled)
    result = image.clone()
    result[top:bottom, left:right] += correction.permute(1, 2, 0)
    return result


def _solve(flux: Tensor, inside: Tensor, iterations: int, cancelled: CancelCheck | None) -> Tensor:
    """C x H x W with the Laplacian `flux` where H x W `inside` is 1, and 0 elsewhere; the array's border is free.

    Cascadic multigrid (Bornemann and Deuflhard 1996): conjugate gradients on every level from coarse to fine, more of
    them on the coarser ones. The pull to 0 keeps a shadow or a rim at the hole's edge from staining all of the fill.
    """
    stop_if(cancelled)
    height, width = inside.shape
    if min(height, width) > 4:
        even = [0, width % 2, 0, height % 2]
        coarse = _solve(
            4 * F.avg_pool2d(F.pad(flux, even), 2),
            (F.avg_pool2d(F.pad(inside[None], even), 2)[0] > 0.5).float(),
            min(2 * iterations, 200),
            cancelled,
        )
        start = torch.empty_like(flux)
        for channel, small in zip(start, coarse, strict=True):  # one by one: an interruption waits for no more than one
            larger = F.interpolate(small[None, None], scale_factor=2.0, mode="bilinear")[0, 0, :height, :width]
            torch.mul(larger, inside, out=channel)
    else:
        start = torch.zeros_like(flux)
    degree = _neighbor_sum(torch.ones_like(inside)[None]) + PULL

    def laplacian(values: Tensor) -> Tensor:
        return (degree * values - _neighbor_sum(values)) * inside

    residual = (flux - laplacian(start)) * inside
    direction, size = residual.clone(), residual.square().sum()
    for _ in range(iterations):
        stop_if(cancelled)
        if float(size) < 1e-9:
            break
        applied = laplacian(direction)
        step = size / (direction * applied).sum()
        start += step * direction
        residual -= step * applied
        size, before = residual.square().sum(), size
        direction.mul_(size / before).add_(residual)
    return start


def _neighbor_sum(values: Tensor) -> Tensor:
    padded = F.pad(values, [1] * 4)
    return padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]


def _pairs(values: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Views of all pixels with a neighbor below (axis 0) or to the right (1), and of these neighbors."""
    length = values.shape[axis] - 1
    return values.narrow(axis, 0, length), values.narrow(axis, 1, length)
