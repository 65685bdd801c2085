"""How far a run is, and what the learning rate is there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

LearningRate = Callable[[float], float]
"""Progress of the run, 0..1, to a factor of the peak learning rate."""


class Schedule:
    """Progress of a run, 0 to 1, by wall-clock minutes or by steps; survives a resume.

    Args:
        minutes: length by the clock, or None.
        steps: length by steps, or None. Exactly one of the two is given.
        before: seconds of training in earlier parts of a resumed run.
    """

    def __init__(self, minutes: float | None, steps: int | None, before: float = 0.0) -> None:
        if (minutes is None) == (steps is None):
            raise ValueError("give the length of the run either in minutes (--minutes) or in steps (--steps)")
        self.minutes, self.steps = minutes, steps
        self._start = time.monotonic() - before

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, earlier parts of a resumed run included."""
        return time.monotonic() - self._start

    def progress(self, step: int) -> float:
        """0 at the start, 1 at the end and after it."""
        if self.steps is not None:
            return min(1.0, step / self.steps) if self.steps > 0 else 1.0
        return min(1.0, self.elapsed / (60 * self.minutes)) if self.minutes else 1.0


def one_cycle(progress: float, warm_up: float = 0.02) -> float:
    """A linear rise, then half a cosine down to a hundredth."""
    if progress < warm_up:
        return max(0.05, progress / warm_up)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def constant(progress: float) -> float:
    """Always the peak."""
    return 1.0
