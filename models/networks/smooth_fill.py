"""The smoothest fill of a hole: nearly the solution of Laplace's equation in it, from coarse to fine.

What Telea's and Navier-Stokes inpainting come to in a large hole. A network that starts from it has colors to begin
with and learns structure.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

RELAXATIONS = 6  # Jacobi iterations on each level


@torch.no_grad()
def smooth_fill(image: Tensor, mask: Tensor) -> Tensor:
    """The image with its hole filled smoothly; mid-gray where nothing at all is known.

    image: B x C x H x W; what is in the hole makes no difference. mask: B x 1 x H x W, 1 where it is known.
    """
    return _filled(image * mask, mask)


def _filled(known: Tensor, share: Tensor) -> Tensor:
    """known: the sum of what is known in a pixel; share: how much of the pixel that is, 0 to 1."""
    here = known / share.clamp(min=1e-6)
    if min(known.shape[-2:]) == 1:
        return torch.where(share > 0, here, 0.5)
    even = [0, known.shape[3] % 2, 0, known.shape[2] % 2]
    coarse = _filled(F.avg_pool2d(F.pad(known, even), 2), F.avg_pool2d(F.pad(share, even), 2))
    values = F.interpolate(coarse, scale_factor=2, mode="bilinear")[..., : known.shape[2], : known.shape[3]]
    for _ in range(RELAXATIONS):
        wide = F.pad(torch.where(share > 0, here, values), [1] * 4, mode="replicate")
        values = (wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]) / 4
    return torch.where(share > 0, here, values)
