"""What scores the averaged network of a run on data kept from training."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from torch import nn

N = TypeVar("N", bound=nn.Module, contravariant=True)


class Evaluator(Protocol, Generic[N]):
    """Scores a network on the device where its weights are.

    shared: whether all processes share the work (and `score` is called in each of them), or the first one does it.
    """

    shared: bool

    def score(self, net: N) -> dict[str, float]:
        """Scores by name; `net` is in evaluation mode, gradients are off."""

    def objective(self, scores: dict[str, float]) -> float:
        """One number of these scores; the weights for which it is least are the run's best."""
