"""What every training run is told; each task's own dataclass adds to it and is its command line.

A field's docstring is its help text, its default the only one there is. A field without a default must be given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Sizes = tuple[tuple[float, int], ...]
"""Pairs of a share of the run and the side of the images in pixels until then; the last share is 1."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One training run."""

    out: Path
    """folder of the run: logs, checkpoints and weights"""
    minutes: float | None = None
    """length by the clock; the learning rate falls to its end by then"""
    steps: int | None = None
    """length by steps of the optimizer, instead of --minutes"""
    batch: int = 8
    """images a process and step"""
    bf16: bool = False
    """forward passes in bfloat16"""
    compiled: bool = False
    """by torch.compile: minutes at the start and at each new size of the images; needs a C++ compiler"""
    resume: bool = False
    """go on from the last checkpoint of the run"""
    seed: int = 0
    """of weights, samples and noise"""
    workers: int = 1
    """processes that make samples; 0: none beside the training itself"""
    save_minutes: float = 5.0
    """between checkpoints"""
    score_minutes: float = 12.0
    """between scores; a run is always scored at its end"""

    counts_epochs: ClassVar[bool] = False
    """Whether the task has a length of its own where none is given."""

    def __post_init__(self) -> None:
        given = [name for name in ("minutes", "steps", "epochs") if getattr(self, name, None) is not None]
        if len(given) > 1:
            raise ValueError(f"give the length of the run once, not in {' and in '.join(given)}")
        if not given and not self.counts_epochs:
            raise ValueError("give the length of the run: --minutes or --steps")
