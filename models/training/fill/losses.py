"""The six terms of the inpainting loss: G. Liu et al., ECCV 2018, section 3.3, equations 3 to 7.

Images B x 3 x H x W, 0..1; masks B x 1 x H x W, 1 where the image is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.papers.gatys import gram_matrix
from models.training.core.losses import total_variation
from models.training.core.perceptual import FeatureNetwork


@dataclass(frozen=True)
class LossWeights:
    """The paper's."""

    valid: float = 1.0
    hole: float = 6.0
    perceptual: float = 0.05
    style_raw: float = 120.0
    style_composed: float = 120.0
    variation: float = 0.1


def composed(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """The output in the hole, the truth elsewhere."""
    return torch.where(mask > 0, truth, output)


def gram(features: Tensor) -> Tensor:
    """The Gram matrix over C H W, B x C x C: the K_n of equations 5 and 6."""
    return gram_matrix(features) / features.shape[1]


def hole_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Total variation in the hole, dilated by a pixel (equation 7)."""
    return total_variation(image, F.max_pool2d(1 - mask, 3, 1, 1)).mean()


def inpainting_losses(
    output: Tensor, truth: Tensor, mask: Tensor, net: FeatureNetwork, composes: bool = False
) -> dict[str, Tensor]:
    """The terms by the names of `LossWeights`, not weighted.

    composes: the output is the truth outside of the hole already, so that its features are those of the composed
    image; they are not computed twice.

    Features are divided by their mean on the true images, tap by tap: the scales of networks without batch
    normalization differ a thousandfold, and the paper's weights fit its own alone.
    """
    error = (output - truth).abs()
    whole = composed(output, truth, mask)
    with torch.no_grad():
        wanted = net(truth)
        scales = [features.abs().mean().clamp(min=1e-8) for features in wanted]
    found = net(whole if composes else torch.cat([output, whole]))
    terms = {name: output.new_zeros(()) for name in ("perceptual", "style_raw", "style_composed")}
    for features, truth_features, scale in zip(found, wanted, scales, strict=True):
        style = gram(truth_features)
        for kind, part in zip(("composed", "raw"), features.chunk(1 if composes else 2)[::-1], strict=False):
            terms["perceptual"] += F.l1_loss(part, truth_features) / scale
            terms[f"style_{kind}"] += F.l1_loss(gram(part), style) / scale**2
    if composes:
        terms["perceptual"], terms["style_raw"] = 2 * terms["perceptual"], terms["style_composed"]
    return {
        "valid": (error * mask).mean(),
        "hole": (error * (1 - mask)).mean(),
        **terms,
        "variation": hole_variation(whole, mask),
    }


def weighted(losses: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """Equation 7's sum."""
    return torch.stack([getattr(weights, name) * value for name, value in losses.items()]).sum()
