"""The discriminator of an adversarial run and its optimizer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from models.papers.discriminator import Discriminator
from models.training.core.process import Process
from models.training.paste.losses import ALPHA, GAMMA, critic_losses, reconstruction_loss


class Critic:
    """Moves the discriminator a step at a time and tells the generator's losses.

    Args:
        size: side of the images in pixels, a power of two.
        width: channels of its first layer.
        lr: learning rate, constant.
        process: this process.
    """

    def __init__(self, size: int, width: int, lr: float, process: Process) -> None:
        self.process = process
        self.net = Discriminator(size, width).to(process.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr, (0.0, 0.9))

    def stateful(self) -> dict[str, Stateful]:
        """What belongs to a checkpoint."""
        return {"critic": self.net, "critic_optimizer": self.optimizer}

    def losses(self, result: Tensor, image: Tensor, pasted: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """One step of the discriminator, then the generator's loss (equation 7) with the new one.

        The discriminator's loss is equation 7's part of it over alpha: Adam steps alike, far from its epsilon.
        """
        wgan, norm = critic_losses(self.net, image, result.detach(), pasted, mask)
        self.optimizer.zero_grad(set_to_none=True)
        (wgan + GAMMA / ALPHA * norm).backward()
        self.process.average_gradients(self.net.parameters())
        self.optimizer.step()
        l1 = reconstruction_loss(result, image)
        realness = self.net.requires_grad_(False)(result, pasted, mask).mean()
        self.net.requires_grad_(True)
        return {"loss": l1 - ALPHA * realness, "l1": l1, "wgan": wgan.detach(), "norm": norm.detach()}
