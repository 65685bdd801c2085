"""What the broker asks of a job before any worker sees it."""

from __future__ import annotations

from plugin.client.actions import BY_NAME, Action
from plugin.client.jobs import ErrorCode, Failure, Job

WORKING_COPIES = 4
"""Float RGBA copies of every input that an operation is taken to need at once."""


class Refused(Exception):
    """The job is not taken; `failure` says why."""

    def __init__(self, code: ErrorCode, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.failure = Failure(code, message, remedy)


def admit(job: Job) -> Action:
    """The action of a job whose parameters and inputs are what it takes. Raises Refused."""
    action = BY_NAME.get(job.action)
    if action is None:
        raise Refused(
            ErrorCode.UNKNOWN_ACTION,
            f"The backend has no action '{job.action[:80]}'.",
            "Plugin and backend may be of different versions: run the installer again.",
        )
    try:
        action.check(dict(job.parameters))
    except ValueError as error:
        raise Refused(ErrorCode.BAD_PARAMETER, f"A setting of '{action.label}' does not fit: {error}.") from None
    known = {item.name: item for item in action.inputs}
    missing = [item.label for item in action.inputs if item.required and item.name not in job.inputs]
    if missing:
        raise Refused(ErrorCode.BAD_INPUT, f"'{action.label}' needs an input that is missing: {', '.join(missing)}.")
    strange = sorted(name[:80] for name in job.inputs if name not in known)
    if strange:
        raise Refused(ErrorCode.BAD_INPUT, f"'{action.label}' has no input called {', '.join(strange)}.")
    return action


def estimate(job: Job) -> int:
    """Bytes that a job is taken to need while it runs."""
    pixels = sum(raster.width * raster.height for raster in job.inputs.values())
    return pixels * 4 * 4 * WORKING_COPIES


def check_room(job: Job, available: int) -> None:
    """Raises Refused when the machine has not the memory that the job will want."""
    needed = estimate(job)
    if needed > available:
        raise Refused(
            ErrorCode.TOO_LARGE,
            f"The pictures need about {needed / 2**30:.1f} GiB to work on, but only {available / 2**30:.1f} GiB of "
            "memory are free.",
            "Close other programs, or work on a smaller layer or selection.",
        )
