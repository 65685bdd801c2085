"""Dense conditional random field by mean field (Krähenbühl & Koltun 2011): labels that agree among alike pixels.

Every pair of pixels is tied by a bilateral kernel (near and of like color, equation 3) and a spatial one (near), both
normalized symmetrically as in the authors' program. Labels disagree at a cost that is the same for all pairs (Potts).
Small fields use the exact N x N kernels; larger ones a sparse bilateral grid for the bilateral kernel (after Paris &
Durand 2006) and separable convolution for the spatial one. Works at the network's resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

EXACT_PIXELS = 1600  # fields up to this many pixels use the exact kernels
# Variance, in grid steps squared, of the grid's own filter: linear splat 1/6, blur (1 2 1)/4 1/2, linear slice 1/6.
_GRID_VARIANCE = 5 / 6


class Kernel(Protocol):
    """A pairwise kernel: q (N x L) -> K q (N x L)."""

    def __call__(self, q: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class CRFConfig:
    """Weights of the two kernels, and their standard deviations: `xy` in pixels, `rgb` in 8-bit levels."""

    iterations: int = 5
    bilateral_weight: float = 4.0
    bilateral_xy: float = 60.0
    bilateral_rgb: float = 10.0
    spatial_weight: float = 3.0
    spatial_xy: float = 2.0


def refine(
    unary: NDArray[np.float32],
    image: NDArray[np.generic],
    config: CRFConfig | None = None,
    *,
    exact: bool | None = None,
    device: str | torch.device = "cpu",
) -> NDArray[np.float32]:
    """Label probabilities after mean-field inference.

    Args:
        unary: L x H x W logits, log probabilities up to a constant per pixel.
        image: H x W x 3 of the same size, uint8 or float 0..1.
        config: of the kernels.
        exact: take the N x N kernels; None chooses by size.
        device: where to compute.

    Returns:
        L x H x W, summing to 1 over the labels.

    Raises:
        ValueError: the shapes do not fit.
    """
    config = config or CRFConfig()
    if unary.ndim != 3 or image.shape != (*unary.shape[1:], 3):
        raise ValueError(f"crf needs logits L x H x W and an image H x W x 3, got {unary.shape} and {image.shape}")
    labels, height, width = unary.shape
    logits = torch.from_numpy(np.ascontiguousarray(unary)).to(device, torch.float32).reshape(labels, -1).T.contiguous()
    rgb = torch.from_numpy(np.ascontiguousarray(image)).to(device, torch.float32).reshape(-1, 3)
    rgb = rgb if image.dtype == np.uint8 else rgb * 255
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    place = torch.stack([x.reshape(-1), y.reshape(-1)], dim=1).float()
    features = torch.cat([place / config.bilateral_xy, rgb / config.bilateral_rgb], dim=1)
    if exact if exact is not None else height * width <= EXACT_PIXELS:
        bilateral: Kernel = exact_kernel(features)
        spatial: Kernel = exact_kernel(place / config.spatial_xy)
    else:
        bilateral = BilateralGrid(features)
        spatial = spatial_kernel(height, width, config.spatial_xy, logits.device)
    kernels = [
        (config.bilateral_weight, _normalized(bilateral, logits)),
        (config.spatial_weight, _normalized(spatial, logits)),
    ]
    probabilities = mean_field(logits, kernels, config.iterations)
    return probabilities.T.reshape(labels, height, width).contiguous().to("cpu").numpy()


def mean_field(logits: Tensor, kernels: list[tuple[float, Kernel]], iterations: int) -> Tensor:
    """Mean-field updates with the Potts model (algorithm 1). logits: N x L; returns probabilities, N x L."""
    q = torch.softmax(logits, dim=1)
    for _ in range(iterations):
        # Under Potts the cost of label l is the mass of all others; what is the same for all labels cancels.
        agreement = torch.stack([weight * kernel(q) for weight, kernel in kernels]).sum(dim=0)
        q = torch.softmax(logits + agreement, dim=1)
    return q


def exact_kernel(features: Tensor) -> Kernel:
    """The Gaussian kernel exp(-|f_i - f_j|^2 / 2) as a matrix. features: N x D, in standard deviations."""
    matrix = torch.exp(-0.5 * torch.cdist(features, features).square())
    return lambda q: matrix @ q


def spatial_kernel(height: int, width: int, sigma: float, device: torch.device) -> Kernel:
    """Gaussian kernel of pixel distance by two convolutions, cut at four standard deviations; q: (H W) x L."""
    reach = max(1, int(np.ceil(4 * sigma)))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=device) / sigma).square())

    def filtered(q: Tensor) -> Tensor:
        planes = q.T.reshape(-1, 1, height, width)
        planes = F.conv2d(planes, taps.view(1, 1, 1, -1), padding=(0, reach))
        planes = F.conv2d(planes, taps.view(1, 1, -1, 1), padding=(reach, 0))
        return planes.reshape(-1, height * width).T

    return filtered


class BilateralGrid:
    """Gaussian kernel of the features by splatting onto a grid, blurring there and slicing back.

    features: N x D, in standard deviations. Only cells that some pixel touches are kept, so that the memory follows the
    image and not the size of the feature space. The grid's step makes splat, blur and slice together a filter of unit
    variance; the result is proportional to the kernel, and normalization takes care of the factor.
    """

    def __init__(self, features: Tensor) -> None:
        count, dimensions = features.shape
        position = (features - features.amin(dim=0)) * _GRID_VARIANCE**0.5 + 1
        base = position.floor().long()
        fraction = position - base
        extent = base.amax(dim=0) + 3
        stride = torch.ones_like(extent)
        stride[1:] = extent.cumprod(0)[:-1]
        keys, shares = [], []
        for corner in range(2**dimensions):
            offset = torch.tensor([corner >> d & 1 for d in range(dimensions)], device=features.device)
            keys.append(((base + offset) * stride).sum(dim=1))
            shares.append(torch.where(offset.bool(), fraction, 1 - fraction).prod(dim=1))
        cells, cell_of = torch.unique(torch.stack(keys, dim=1), return_inverse=True)  # sorted; N x 2^D
        share = torch.stack(shares, dim=1)
        rows = torch.arange(count, device=features.device)[:, None].expand_as(cell_of)
        index = torch.stack([rows.reshape(-1), cell_of.reshape(-1)])
        size = (count, len(cells))
        self.slicer = torch.sparse_coo_tensor(index, share.reshape(-1), size, check_invariants=False).coalesce()
        self.splatter = self.slicer.t().coalesce()
        self.neighbors = [[_locate(cells, cells + sign * step) for sign in (-1, 1)] for step in stride]

    def __call__(self, q: Tensor) -> Tensor:
        grid = torch.sparse.mm(self.splatter, q)
        # There and back: the blur over kept cells only is not symmetric in its order of axes, the mean of both is.
        blurred = self._blur(grid, self.neighbors) + self._blur(grid, self.neighbors[::-1])
        sliced: Tensor = torch.sparse.mm(self.slicer, 0.5 * blurred)
        return sliced

    @staticmethod
    def _blur(grid: Tensor, axes: list[list[Tensor]]) -> Tensor:
        for before, after in axes:
            padded = F.pad(grid, (0, 0, 0, 1))  # a last row of zeros stands for the cells that are not kept
            grid = 0.5 * grid + 0.25 * (padded[before] + padded[after])
        return grid


def _locate(cells: Tensor, wanted: Tensor) -> Tensor:
    """Index of each wanted key in the sorted cells; their number where it is absent."""
    place = torch.searchsorted(cells, wanted).clamp_max(len(cells) - 1)
    return torch.where(cells[place] == wanted, place, len(cells))


def _normalized(kernel: Kernel, like: Tensor) -> Kernel:
    """D^-1/2 K D^-1/2 with D the row sums of K."""
    scale = kernel(torch.ones_like(like[:, :1])).clamp_min(1e-12).rsqrt()
    return lambda q: scale * kernel(scale * q)
