"""Running a job for a command: in the backend, which is started when need be, or in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import backend
from plugin.client.actions import Value
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Failure, Job, Result
from plugin.client.server.launcher import Installation

from . import CommandError, Exit

if TYPE_CHECKING:
    from plugin.client.net.connection import Connection

Report = Callable[[float, str], None]


class Runner(Protocol):
    """Runs jobs one after the other."""

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


def own_installation() -> Installation | None:
    """The backend that this command line is a part of; None lets the environment decide."""
    if os.environ.get("INLAY_BACKEND_PYTHON"):
        return None
    return Installation(Path(sys.executable), Path(backend.__file__).parent.parent)


class Remote:
    """Jobs through the broker. Whatever interrupts `run` cancels its job."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner."""
        from plugin.client.net.connection import JobCancelled, JobFailed

        job = Job(action, parameters, inputs)
        try:
            return self.connection.run(job, lambda event: report(event.fraction, event.message))
        except JobFailed as error:
            raise failed(error.failure) from None
        except JobCancelled:
            raise CommandError("the job was cancelled from elsewhere", Exit.JOB_FAILED) from None


class InProcess:
    """Jobs in this process: admitted, run and refused as the broker and its worker do it."""

    def __init__(self) -> None:
        from backend.worker.devices import choose

        self.device, _ = choose()
        self.cache: dict[Any, Any] = {}

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner."""
        from backend.server.admission import RefusedError, admit
        from backend.worker.execute import execute, failure_of

        def progress(fraction: float, message: str, _preview: Raster | None) -> None:
            report(fraction, message)

        job = Job(action, parameters, inputs)
        try:
            admit(job)
            return execute(job, self.device, progress, lambda: False, self.cache)
        except RefusedError as refused:
            raise failed(refused.failure) from None
        except Exception as error:
            raise failed(failure_of(error, job)) from error


def failed(failure: Failure) -> CommandError:
    """What a failure means for the exit code."""
    code = {
        ErrorCode.BAD_PARAMETER: Exit.USAGE,
        ErrorCode.BAD_INPUT: Exit.BAD_INPUT,
        ErrorCode.TOO_LARGE: Exit.BAD_INPUT,
        ErrorCode.UNREACHABLE: Exit.UNREACHABLE,
        ErrorCode.VERSION: Exit.UNREACHABLE,
    }.get(failure.code, Exit.JOB_FAILED)
    return CommandError(str(failure), code)


class ProgressBar:
    """How far a row of jobs is, on stderr: a bar on a terminal, a line for each finished job elsewhere."""

    WIDTH = 30

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.terminal = sys.stderr.isatty()

    def report(self, name: str) -> Report:
        """A function to report a job's progress to."""

        def show(fraction: float, message: str) -> None:
            if not self.terminal:
                return
            whole = (self.done + max(fraction, 0.0)) / self.total
            filled = round(self.WIDTH * whole)
            bar = "#" * filled + "." * (self.WIDTH - filled)
            sys.stderr.write(f"\r\033[K[{bar}] {self.done + 1}/{self.total} {name} {message}"[:110])
            sys.stderr.flush()

        return show

    def finish(self, line: str) -> None:
        """One job has ended."""
        self.done += 1
        if self.terminal:
            sys.stderr.write("\r\033[K")
        if self.total > 1:
            print(f"{self.done}/{self.total} {line}", file=sys.stderr)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.terminal:
            sys.stderr.write("\r\033[K")
