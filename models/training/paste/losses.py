"""Losses of the copy-paste network (Portenier et al. 2019, section 3.3). Images are B x 3 x H x W, masks B x 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

ALPHA = 1e-4  # weight of the adversarial loss against the reconstruction, equation 7
GAMMA = 1e-3  # weight of the norm of the logits
LAMBDA = 10.0  # weight of the gradient penalty, equation 5

Critic = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(image, composite given to the generator, mask) to B values."""


def reconstruction_loss(result: Tensor, image: Tensor) -> Tensor:
    """Mean absolute difference over all of the image (equation 6)."""
    return (result - image).abs().mean()


def foreground_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of B x C x H x W values under each image's mask, B: large and small pastes weigh the same."""
    return (values.mean(1, keepdim=True) * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)


def gradient_penalty(critic: Critic, image: Tensor, result: Tensor, pasted: Tensor, mask: Tensor) -> Tensor:
    """(|grad D(I_u)| - 1)^2 with I_u anywhere on the line between each true image and the generated one."""
    u = torch.rand(len(image), 1, 1, 1, device=image.device)
    between = torch.lerp(image, result, u).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between, pasted, mask).sum(), between, create_graph=True)
    norm: Tensor = gradient.flatten(1).norm(dim=1)
    return (norm - 1).square().mean()


def critic_losses(critic: Critic, image: Tensor, result: Tensor, pasted: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The WGAN-GP loss (equation 5) and E[D(I)^2], both for the discriminator to make small."""
    true = critic(image, pasted, mask)
    wasserstein = critic(result, pasted, mask).mean() - true.mean()
    penalty = gradient_penalty(critic, image, result, pasted, mask)
    return wasserstein + LAMBDA * penalty, true.square().mean()
