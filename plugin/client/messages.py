"""A job from the asking to the answer: the values that travel between a client and the backend."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum

from .actions import ResultKind, Value
from .image import Raster


def new_id() -> str:
    """32 hexadecimal digits at random: names a job or a client."""
    return os.urandom(16).hex()


class JobState(str, Enum):
    """Of a job, as the client sees it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class ErrorCode(str, Enum):
    """Why a job, or a request, was refused or failed."""

    BAD_REQUEST = "bad request"  # the message cannot be read
    VERSION = "version"  # plugin and backend are of different versions
    UNKNOWN_ACTION = "unknown action"
    BAD_PARAMETER = "bad parameter"
    BAD_INPUT = "bad input"  # the image or selection is not what the action needs
    NOTHING_FOUND = "nothing found"  # there is no subject, no object, nothing of a class
    TOO_LARGE = "too large"
    OUT_OF_MEMORY = "out of memory"
    WORKER_DIED = "worker died"
    DEADLINE = "deadline"  # no progress for too long
    RESEND = "resend"  # an image that came by reference is not there any more; the client sends the job whole
    UNREACHABLE = "unreachable"  # the backend does not answer; made by the client
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Job:
    """One complete request. Submitting the same id twice runs it once."""

    action: str
    parameters: dict[str, Value]
    inputs: dict[str, Raster]
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Output:
    """One new layer, selection or mask."""

    kind: ResultKind
    name: str  # what a new layer is called
    raster: Raster


@dataclass(frozen=True, slots=True)
class Result:
    """What a job came to. `notes` are sentences for the user: a fallback taken, something worth knowing."""

    job: str
    outputs: tuple[Output, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result: what happened, what to do, where the log is (empty when there is none)."""

    code: ErrorCode
    message: str
    remedy: str = ""
    log: str = ""

    def __str__(self) -> str:
        parts = [self.message, self.remedy, f"Log: {self.log}" if self.log else ""]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `fraction` is 0..1, below 0 when it cannot be known."""

    job: str
    state: JobState
    fraction: float = 0.0
    message: str = ""
    preview: Raster | None = None
