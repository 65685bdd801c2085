"""Running one job in this process: parameters completed, operation found, memory stepped down when it runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plugin.client.actions import BY_NAME
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Failure, Job, Result

from ..operations import Context, OperationError, find
from .devices import attempts, out_of_memory, release

logger = logging.getLogger("worker")


def needs_torch(action: str) -> bool:
    """Whether an action computes at all; diagnosis works while torch is loading, or when it does not load."""
    return not action.startswith("diagnose.")


def execute(
    job: Job,
    device: str,
    progress: Callable[[float, str, Raster | None], None],
    cancelled: Callable[[], bool],
    cache: dict[Any, Any],
) -> Result:
    """What a job comes to on a torch device. Used by the worker, and where the command line works in its own process.

    Out of memory, it is tried again as `devices.attempts` says. Raises OperationError for what the user can correct,
    backend.imaging.Cancelled, and whatever else an operation raises; ValueError for bad parameters.
    """
    operation = find(job.action)
    job = replace(job, parameters=BY_NAME[job.action].check(dict(job.parameters)))
    for attempt in attempts(device):
        context = Context(attempt.device, attempt.half, attempt.budget, progress, cancelled, cache=cache)
        try:
            outputs = operation(job, context)
        except Exception as error:
            if not out_of_memory(error):
                raise
            logger.warning("job %s ran out of memory: %s", job.id[:8], attempt)
            error.__traceback__ = None  # it holds the operation's arrays
        else:
            notes = [*context.notes, attempt.note] if attempt.note else context.notes
            return Result(job.id, tuple(outputs), tuple(notes))
        release(cache)
    raise OperationError(
        ErrorCode.OUT_OF_MEMORY,
        f"There is not enough memory for '{BY_NAME[job.action].label}', not even in small pieces.",
        "Close other programs, or work on a smaller layer or selection.",
    )


def failure_of(error: Exception, job: Job, log: str = "") -> Failure:
    """What the user is told of an error that `execute` raised; a defect's traceback goes to the log."""
    if isinstance(error, OperationError):
        return Failure(error.code, error.message, error.remedy, log)
    logger.error("job %s failed", job.id[:8], exc_info=error)
    label = BY_NAME[job.action].label if job.action in BY_NAME else job.action
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    remedy = f"This is a fault in Inlay; {'the log says where' if log else 'please report it'}."
    return Failure(ErrorCode.INTERNAL, f"'{label}' failed ({reason}).", remedy, log)
