"""This process among those of torchrun: its device, its share of the work, and what all of them must do alike."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Process:
    """This process among those of torchrun (one where there is no torchrun)."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def start(cls) -> Process:
        """Joins the process group when WORLD_SIZE says that there is one."""
        world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(device)  # collectives and new tensors go to this process's own GPU
        if world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")
        return cls(rank, world, device)

    @property
    def first(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """A seed that no other process of the run has for the same `seed`, nor for another one."""
        return seed * self.world + self.rank

    def wrap(self, net: nn.Module) -> nn.Module:
        """`net` for a forward pass whose gradients are averaged over all processes."""
        return nn.parallel.DistributedDataParallel(net, gradient_as_bucket_view=True) if self.world > 1 else net

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """The mean of each gradient over all processes, for networks whose passes DistributedDataParallel cannot
        follow (a gradient penalty goes through one twice)."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.total(torch.cat([g.flatten() for g in gradients])) / self.world
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def agree(self, value: float) -> float:
        """The first process's value, for decisions that all must take alike."""
        if self.world == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(tensor, 0)
        return float(tensor)

    def total(self, values: Tensor) -> Tensor:
        """Sum of `values` over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
        return values
