"""Closed-form matting (Levin, Lischinski, Weiss 2008) without building the matrix.

The matting Laplacian L is applied by window sums (He, Sun, Tang 2010, "Fast matting using large kernel matting
Laplacian matrices", equation 13): in each window fit ``alpha = a . I + b`` and collect what the fits leave over. The
system ``(L + D) alpha = D target`` is solved by preconditioned conjugate gradients, from coarse to fine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.imaging import Cancelled
from backend.imaging.arrays import FloatArray
from backend.imaging.matting.guided_filter import resize


class MattingLaplacian:
    """The matting Laplacian of one image, as a linear operator on alphas of 1 x 1 x H x W.

    image: 1 x 3 x H x W, 0..1; eps: Levin's regularizer (equation 12); radius: 1 for the paper's 3 x 3 windows.
    Windows lie wholly inside the image, as in the paper; the image must be at least 2 radius + 1 on a side.
    """

    def __init__(self, image: Tensor, eps: float = 1e-4, radius: int = 1) -> None:
        # L does not change when a color is added everywhere; small values keep the variances exact in float32.
        self.image = image = image - image.mean(dim=(-2, -1), keepdim=True)
        self.size = 2 * radius + 1
        if min(image.shape[-2:]) < self.size:
            raise ValueError(f"matting needs at least {self.size} x {self.size} pixels, got {tuple(image.shape[-2:])}")
        area = self.size**2
        self.mean = self._window_mean(image)
        products = self._window_mean(torch.cat([image * image[:, k : k + 1] for k in range(3)], dim=1))
        outer = torch.cat([self.mean * self.mean[:, k : k + 1] for k in range(3)], dim=1)
        covariance = (products - outer).view(1, 3, 3, *self.mean.shape[-2:])
        ridge = torch.eye(3, dtype=image.dtype, device=image.device).view(1, 3, 3, 1, 1) * (eps / area)
        self.inverse = _inverse_symmetric(covariance + ridge)  # 1 x 3 x 3 x h x w
        self.count = self._window_sum(torch.ones_like(self.mean[:, :1]))  # windows over each pixel

    def __call__(self, alpha: Tensor) -> Tensor:
        """L alpha, 1 x 1 x H x W."""
        mean_alpha = self._window_mean(alpha)
        covariance = self._window_mean(self.image * alpha) - self.mean * mean_alpha  # 1 x 3 x h x w
        a = (self.inverse * covariance[:, None]).sum(dim=2)
        b = mean_alpha - (a * self.mean).sum(dim=1, keepdim=True)
        fitted = self._window_sum(torch.cat([a, b], dim=1))
        return self.count * alpha - (fitted[:, :3] * self.image).sum(dim=1, keepdim=True) - fitted[:, 3:]

    def diagonal(self) -> Tensor:
        """L's diagonal (equation 12 with i = j), 1 x 1 x H x W."""
        # The sum over windows of (I - mean)^T inverse (I - mean), expanded into sums that are window sums again.
        slope = (self.inverse * self.mean[:, None]).sum(dim=2)  # inverse mean
        sums = self._window_sum(torch.cat([self.inverse.flatten(1, 2), slope, (slope * self.mean).sum(1, True)], dim=1))
        pairs = torch.cat([self.image * self.image[:, k : k + 1] for k in range(3)], dim=1)
        quadratic = (sums[:, :9] * pairs).sum(1, True) - 2 * (sums[:, 9:12] * self.image).sum(1, True) + sums[:, 12:]
        return self.count - (self.count + quadratic) / self.size**2

    def _window_mean(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.size, stride=1)

    def _window_sum(self, x: Tensor) -> Tensor:
        """Sum over the windows that hold a pixel: the adjoint of summing within windows."""
        return F.avg_pool2d(F.pad(x, [self.size - 1] * 4), self.size, stride=1) * self.size**2


@dataclass(frozen=True)
class MattingConfig:
    """How the system is solved."""

    eps: float = 1e-4  # Levin's regularizer
    radius: int = 1  # of the windows
    levels: int = 3  # sizes in all: it is solved at half size first
    iterations: int = 40  # the most at each size
    tolerance: float = 1e-3  # a size is done when no pixel's own equation asks it to move by more than this
    dtype: torch.dtype = torch.float32


def closed_form_matting(
    image: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    *,
    start: FloatArray | None = None,
    config: MattingConfig | None = None,
    device: str | torch.device = "cpu",
    cancelled: Callable[[], bool] | None = None,
) -> FloatArray:
    """Alpha that minimizes ``alpha^T L alpha + sum weight (alpha - target)^2`` (equation 14), cut to 0..1.

    Args:
        image: H x W x 3, 0..1.
        target: H x W, 0..1.
        weight: H x W, the trust in the target: about 100 where alpha is known, 0 or a weak prior in the unknown band.
        start: H x W, where the iteration begins; the target when None.
        config: of the solver.
        device: where it is solved.
        cancelled: polled before each iteration.

    Returns:
        H x W float32.

    Raises:
        Cancelled: cancelled() answers yes.
        ValueError: the image is smaller than a window.
    """
    config = config or MattingConfig()
    height, width = target.shape
    initial = target if start is None else start
    if config.levels > 1 and min(height, width) >= 64:
        half = (width // 2, height // 2)
        coarse = closed_form_matting(
            resize(image, half), resize(target, half), resize(weight, half), start=resize(initial, half),
            config=replace(config, levels=config.levels - 1), device=device, cancelled=cancelled,
        )  # fmt: skip
        initial = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)

    def tensor(x: NDArray[np.floating]) -> Tensor:
        planes = x.transpose(2, 0, 1) if x.ndim == 3 else x[None]
        return torch.from_numpy(np.ascontiguousarray(planes)).to(device, config.dtype)[None]

    laplacian = MattingLaplacian(tensor(image), config.eps, config.radius)
    trust = tensor(weight)
    alpha = _conjugate_gradients(
        lambda x: laplacian(x) + trust * x,
        trust * tensor(target),
        tensor(initial),
        laplacian.diagonal() + trust,
        config.iterations,
        config.tolerance,
        cancelled,
    )
    return alpha[0, 0].clamp(0, 1).to("cpu", torch.float32).numpy()


def _conjugate_gradients(
    operator: Callable[[Tensor], Tensor],
    right: Tensor,
    x: Tensor,
    diagonal: Tensor,
    iterations: int,
    tolerance: float,
    cancelled: Callable[[], bool] | None,
) -> Tensor:
    """Solve operator(x) = right by conjugate gradients with a diagonal preconditioner."""
    preconditioner = 1 / diagonal.clamp_min(1e-6)
    residual = right - operator(x)
    z = preconditioner * residual
    direction = z
    rho = (residual * z).sum()
    for _ in range(iterations):
        if cancelled is not None and cancelled():
            raise Cancelled
        if z.abs().max() <= tolerance:
            break
        image = operator(direction)
        curvature = (direction * image).sum()
        if curvature <= 0:  # rounding has used up the precision there is
            break
        step = rho / curvature
        x = x + step * direction
        residual = residual - step * image
        z = preconditioner * residual
        rho, previous = (residual * z).sum(), rho
        direction = z + (rho / previous) * direction
    return x


def _inverse_symmetric(m: Tensor) -> Tensor:
    """Inverse of symmetric 3 x 3 matrices by the adjugate. m: 1 x 3 x 3 x h x w."""
    rr, rg, rb, gg, gb, bb = m[:, 0, 0], m[:, 0, 1], m[:, 0, 2], m[:, 1, 1], m[:, 1, 2], m[:, 2, 2]
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    det = rr * i_rr + rg * i_rg + rb * i_rb
    adjugate = torch.stack([i_rr, i_rg, i_rb, i_rg, i_gg, i_gb, i_rb, i_gb, i_bb], dim=1)
    return adjugate.view(1, 3, 3, *m.shape[-2:]) / det[:, None, None]
