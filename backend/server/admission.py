"""What the broker asks of a job before any worker sees it."""

from __future__ import annotations

from plugin.client.actions import BY_NAME, Action
from plugin.client.messages import ErrorCode, Failure, Job

WORKING_COPIES = 4
"""Float RGBA copies of every input that an operation is taken to need at once."""


class RefusedError(Exception):
    """The job is not taken; `failure` says why."""

    def __init__(self, code: ErrorCode, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.failure = Failure(code, message, remedy)


def admit(job: Job) -> Action:
    """The action of a job whose parameters and inputs are what it takes. Raises RefusedError."""
    action = BY_NAME.get(job.action)
    if action is None:
        raise RefusedError(
            ErrorCode.UNKNOWN_ACTION,
            f"The backend has no action '{job.action[:80]}'.",
            "Plugin and backend may be of different versions: run the installer again.",
        )
    try:
        action.check(dict(job.parameters))
    except ValueError as error:
        raise RefusedError(ErrorCode.BAD_PARAMETER, f"A setting of '{action.label}' does not fit: {error}.") from None
    known = {item.name: item for item in action.inputs}
    missing = [item.label for item in action.inputs if item.required and item.name not in job.inputs]
    if missing:
        raise RefusedError(ErrorCode.BAD_INPUT, f"'{action.label}' is missing what it works on: {', '.join(missing)}.")
    unknown = sorted(name[:80] for name in job.inputs if name not in known)
    if unknown:
        raise RefusedError(ErrorCode.BAD_INPUT, f"'{action.label}' has no input called {', '.join(unknown)}.")
    return action


def estimate(job: Job) -> int:
    """Bytes that a job is taken to need while it runs."""
    pixels = sum(raster.width * raster.height for raster in job.inputs.values())
    return pixels * 4 * 4 * WORKING_COPIES


def check_room(needed: int, available: int, allowed: int = 0) -> None:
    """Raises RefusedError when a job is taken to need more bytes of memory than are free, or than one is allowed.

    allowed: what one job may need at most, 0 for no other limit than what is free.
    """
    if allowed and needed > allowed:
        raise RefusedError(
            ErrorCode.TOO_LARGE,
            f"The images need about {needed / 2**30:.2f} GiB of memory to work on; this backend allows a job "
            f"{allowed / 2**30:.2f} GiB.",
            "Work on a smaller layer or selection, or start the backend with a larger --memory.",
        )
    if needed > available:
        raise RefusedError(
            ErrorCode.TOO_LARGE,
            f"The images need about {needed / 2**30:.1f} GiB to work on, but only {available / 2**30:.1f} GiB of "
            "memory are free.",
            "Close other programs, or work on a smaller layer or selection.",
        )


def check_total(held: int, available: int) -> None:
    """Raises RefusedError when the jobs and results that wait, `held` bytes, take more than is still free: more than
    half of what there was."""
    if held > available:
        raise RefusedError(
            ErrorCode.TOO_LARGE,
            f"{held / 2**30:.1f} GiB of images wait already; {available / 2**30:.1f} GiB of memory are free.",
            "Wait for the other jobs to end, then run the action again.",
        )
