"""Batches of samples for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from models.training.core.config import RunConfig, Sizes

T = TypeVar("T")


def batches(samples: IterableDataset[Any], config: RunConfig) -> Iterator[Any]:
    """Samples stacked `config.batch` at a time, made by `config.workers` processes ahead of their use."""
    cv2.setNumThreads(1)  # before the loader forks: a pool of OpenCV's threads would leave its processes hanging
    ahead = 4 if config.workers else None
    return iter(DataLoader(samples, config.batch, num_workers=config.workers, prefetch_factor=ahead))


def worker_rng(seed: int) -> np.random.Generator:
    """A generator of random numbers that each process of a loader has for itself; OpenCV keeps to one thread there."""
    cv2.setNumThreads(1)
    worker = get_worker_info()
    return np.random.default_rng((seed, worker.id if worker else 0))


class ProgressiveResizing(Generic[T]):
    """Batches whose images grow with the run: small ones are quick, and teach most of it.

    Args:
        sizes: until which share of the run which side in pixels.
        make: from a side to its batches; called anew when the side changes.
    """

    def __init__(self, sizes: Sizes, make: Callable[[int], Iterator[T]]) -> None:
        if not sizes or sizes[-1][0] < 1:
            raise ValueError(f"the last of the sizes must hold until share 1 of the run; these are {sizes}")
        self.sizes, self.make = sizes, make
        self.size = 0
        self._batches: Iterator[T] = iter(())

    def next(self, progress: float) -> T:
        """The next batch for a run that is at `progress`, 0..1."""
        size = next(side for until, side in self.sizes if progress < until)
        if size != self.size:
            self.size, self._batches = size, self.make(size)
        return next(self._batches)


def to_image(batch: Tensor, device: torch.device) -> Tensor:
    """B x 3 x H x W u8 to floats 0..1 on the device, channels last."""
    return (batch.to(device, non_blocking=True).float() / 255).contiguous(memory_format=torch.channels_last)
