"""What an operation is, what it may use beside its job, and how it refuses one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Job, Output


class OperationError(Exception):
    """Something the user can correct: `message` says what is wrong, `remedy` what to do."""

    def __init__(self, code: ErrorCode, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.remedy = code, message, remedy


def _silent(fraction: float, message: str = "", preview: Raster | None = None) -> None:
    pass


@dataclass(slots=True)
class Context:
    """What an operation may use beside its job.

    `progress(fraction, message, preview)` may be called as often as one likes; `cancelled()` is cheap and should be
    asked at least every 100 ms; `notes` collects sentences for the user; `cache` lives as long as the worker and is
    emptied when it idles. An operation that runs out of memory is called again with a `budget`, then with `half`, then
    on the CPU; one to which neither means anything fails at these and ends on the CPU, which has the most memory.
    """

    device: str = "cpu"  # a torch device
    half: bool = False  # networks should run in half precision
    budget: int = 0  # bytes to keep tiles and temporaries within, 0 when there is no need to save
    progress: Callable[[float, str, Raster | None], None] = _silent
    cancelled: Callable[[], bool] = lambda: False
    notes: list[str] = field(default_factory=list)
    cache: dict[Any, Any] = field(default_factory=dict)


Operation = Callable[[Job, Context], list[Output]]
