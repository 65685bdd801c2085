"""Image numerics without learned weights: numpy H x W x C at the edges, torch inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Progress = Callable[[float], None]
"""Called with the finished fraction of the work, 0..1, never falling."""

CancelCheck = Callable[[], bool]
"""Polled during long work; returning True stops it with `Cancelled`."""


class Cancelled(Exception):  # noqa: N818 - an outcome the user asked for, not an error
    """The work was stopped because its cancel check said so."""


def stop_if(cancelled: CancelCheck | None) -> None:
    """Raise `Cancelled` when the check is given and says so."""
    if cancelled is not None and cancelled():
        raise Cancelled("The work was cancelled before it finished.")


@dataclass(frozen=True)
class Execution:
    """Where a long computation runs, and who follows it.

    Attributes:
        device: where to compute.
        progress: called with the finished fraction.
        cancelled: polled; once it answers True the computation ends with `Cancelled`.
        preview: called with the image so far, H x W x C, of any size; only where a function says that it calls it.
    """

    device: torch.device | str = "cpu"
    progress: Progress | None = None
    cancelled: CancelCheck | None = None
    preview: Callable[[Any], None] | None = None

    def report(self, fraction: float) -> None:
        """Pass the finished fraction on."""
        if self.progress is not None:
            self.progress(fraction)

    def poll(self) -> None:
        """Raise `Cancelled` when the work is to stop."""
        stop_if(self.cancelled)


ON_CPU = Execution()
"""On the CPU, and nobody follows."""
