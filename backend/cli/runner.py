"""Running jobs for a command: in the backend, which is started when need be, or in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import backend
from plugin.client.actions import Value
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Failure, Job, Result
from plugin.client.server.launcher import Installation

from . import CommandError, Exit, wording
from .progress import Report

if TYPE_CHECKING:
    from plugin.client.net.connection import Connection


class Runner(Protocol):
    """Runs jobs one after the other. `notes` collects what their results say beside the images."""

    notes: list[str]

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """What the job comes to. Raises CommandError; cancels the job on KeyboardInterrupt."""


@contextmanager
def runner(in_process: bool) -> Iterator[Runner]:
    """The runner that the user asked for."""
    if in_process:
        yield InProcess()
        return
    from plugin.client.net.connection import Connection

    with Connection("inlay", installation=own_installation()) as connection:
        yield Remote(connection)


@contextmanager
def runners(in_process: bool, cancelled: Callable[[], bool]) -> Iterator[list[Runner]]:
    """Runners that may be used at once, one for each worker of the backend; in this process there is one.

    Args:
        in_process: without the backend.
        cancelled: asked again and again while a job runs, which ends when it says so.
    """
    if in_process:
        yield [InProcess(cancelled)]
        return
    from plugin.client.net.connection import Connection

    with Connection("inlay batch", installation=own_installation()) as connection:
        yield [Remote(connection, cancelled) for _ in range(_workers(connection))]


def _workers(connection: Connection) -> int:
    """How many workers the backend has: it names the device of each. Raises CommandError when it is unreachable."""
    from plugin.client.codec import Status
    from plugin.client.net.connection import State

    while connection.state is State.STARTING:
        connection.events(0.1)
    if connection.failure is not None:
        raise failed(connection.failure)
    connection.status()
    status = next((event for event in connection.events(5.0) if isinstance(event, Status)), None)
    return status.device.count(", ") + 1 if status else 1


def own_installation() -> Installation | None:
    """The backend that this command line is a part of; None lets the environment decide."""
    if os.environ.get("INLAY_BACKEND_PYTHON"):
        return None
    return Installation(Path(sys.executable), Path(backend.__file__).parent.parent)


class Remote:
    """Jobs through the broker. Whatever interrupts `run` cancels its job."""

    def __init__(self, connection: Connection, cancelled: Callable[[], bool] | None = None) -> None:
        self.connection, self.cancelled = connection, cancelled
        self.notes: list[str] = []

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner."""
        from plugin.client.net.connection import JobCancelled, JobFailed

        job = Job(action, parameters, inputs)
        try:
            result = self.connection.run(job, lambda event: report(event.fraction, event.message), self.cancelled)
        except JobFailed as error:
            raise failed(error.failure, action) from None
        except JobCancelled:
            raise CommandError("the job was cancelled from elsewhere", Exit.JOB_FAILED) from None
        self.notes += result.notes
        return result


class InProcess:
    """Jobs in this process: admitted, run and refused as the broker and its worker do it."""

    def __init__(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        from backend.worker.devices import choose

        self.cancelled = cancelled
        self.device, _ = choose()
        self.cache: dict[Any, Any] = {}
        self.notes: list[str] = []

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner."""
        from backend.imaging import Cancelled
        from backend.server.admission import RefusedError, admit
        from backend.worker.execute import execute, failure_of

        def progress(fraction: float, message: str, _preview: Raster | None) -> None:
            report(fraction, message)

        job = Job(action, parameters, inputs)
        try:
            admit(job)
            result = execute(job, self.device, progress, self.cancelled, self.cache)
        except RefusedError as refused:
            raise failed(refused.failure, action) from None
        except Cancelled:
            raise CommandError("the job was cancelled", Exit.JOB_FAILED) from None
        except Exception as error:
            raise failed(failure_of(error, job), action) from error
        self.notes += result.notes
        return result


def failed(failure: Failure, action: str = "") -> CommandError:
    """What a failure means for the exit code, in the command line's words.

    Args:
        failure: of a job, or of the connection.
        action: the job's.
    """
    code = {
        ErrorCode.BAD_PARAMETER: Exit.USAGE,
        ErrorCode.BAD_INPUT: Exit.BAD_INPUT,
        ErrorCode.NOTHING_FOUND: Exit.BAD_INPUT,
        ErrorCode.TOO_LARGE: Exit.BAD_INPUT,
        ErrorCode.UNREACHABLE: Exit.UNREACHABLE,
        ErrorCode.VERSION: Exit.UNREACHABLE,
    }.get(failure.code, Exit.JOB_FAILED)
    message, remedy = wording.plain(failure.message), wording.remedy(failure.remedy, action)
    log = failure.log if code in (Exit.JOB_FAILED, Exit.UNREACHABLE) else ""  # it says no more of a user's slip
    return CommandError(str(replace(failure, message=message, remedy=remedy, log=log)), code)


def nothing_found(action: str) -> CommandError:
    """There is no subject, no object, nothing of a class, in the operations' words."""
    what = {"select.object": "object", "select.class": "known class"}.get(action, "subject")
    return failed(Failure(ErrorCode.NOTHING_FOUND, f"No {what} was found.", "Mark it."), action)
