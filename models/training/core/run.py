"""What every training run needs: processes, precision, the clock, averaged weights, checkpoints and logs."""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        if world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        return cls(rank, world, device)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def wrap(self, net: nn.Module) -> nn.Module:
        """`net` for a forward pass whose gradients are averaged over all processes."""
        return nn.parallel.DistributedDataParallel(net, gradient_as_bucket_view=True) if self.world > 1 else net

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


def autocast(device: torch.device, bf16: bool) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


class Clock:
    """How far a run is, 0 to 1, by wall-clock minutes or by steps; survives a resume."""

    def __init__(self, minutes: float | None, steps: int | None, before: float = 0.0) -> None:
        if (minutes is None) == (steps is None):
            raise ValueError("give the length of the run either in minutes or in steps")
        self.minutes, self.steps = minutes, steps
        self._start = time.monotonic() - before

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, earlier parts of a resumed run included."""
        return time.monotonic() - self._start

    def progress(self, step: int) -> float:
        done = step / self.steps if self.steps is not None else self.elapsed / (60 * (self.minutes or 1))
        return min(1.0, done)


def one_cycle(progress: float, warm_up: float = 0.02) -> float:
    """Factor of the learning rate: a linear rise, then half a cosine down to a hundredth."""
    if progress < warm_up:
        return max(0.05, progress / warm_up)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


class Average:
    """Exponential moving average of a network's weights, quick to follow at first; batch-norm statistics are averaged
    alike."""

    def __init__(self, net: nn.Module, decay: float = 0.999) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay, self.count = decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (20 + self.count))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def save_atomically(state: dict[str, Any], path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def append_row(path: Path, row: dict[str, Any]) -> None:
    """One more line of a CSV log; the first one writes the header."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
