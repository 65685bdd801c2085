"""The jobs of a batch on a Dask cluster (`pip install 'inlay[cluster]'`): beyond one machine.

A job travels with its images, so workers need no files of this machine, and one that is lost is run by another worker.
Results are written here, once each. Dask unpickles what it receives: a cluster is for machines that trust each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from plugin.client.actions import Value
from plugin.client.image import Raster
from plugin.client.messages import Result

from ..cli import CommandError, Exit, usage
from ..cli.progress import Report
from ..cli.runner import InProcess, Runner

TIMEOUT = 10.0  # seconds for the scheduler to answer
ASKED = 0.1  # seconds between two looks whether a job is cancelled


@contextmanager
def cluster(address: str, cancelled: Callable[[], bool]) -> Iterator[list[Runner]]:
    """Runners that may be used at once, one for each worker of the cluster.

    Args:
        address: of the scheduler, such as tcp://host:8786.
        cancelled: asked again and again while a job runs, which is given up when it says so.

    Raises:
        CommandError: Dask is not installed, no scheduler answers, or it has no workers.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise usage("--scheduler needs Dask: pip install 'inlay[cluster]'") from None
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):  # images travel with jobs
        try:
            client = distributed.Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise CommandError(f"no Dask scheduler answers at {address}: {error}", Exit.UNREACHABLE) from None
        try:
            count = len(client.nthreads())
            if count == 0:
                raise CommandError(f"the Dask scheduler at {address} has no workers: start some", Exit.UNREACHABLE)
            yield [OnCluster(client, cancelled) for _ in range(count)]
        finally:
            client.close(timeout=TIMEOUT)


class OnCluster:
    """Jobs on whichever worker of the cluster is free."""

    def __init__(self, client: Any, cancelled: Callable[[], bool]) -> None:
        self.client, self.cancelled = client, cancelled
        self.notes: list[str] = []

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner. Raises CommandError."""
        ended = threading.Event()
        images = {name: _as_bytes(raster) for name, raster in inputs.items()}
        future = self.client.submit(run_job, action, parameters, images, pure=False)
        future.add_done_callback(lambda _: ended.set())
        while not ended.wait(ASKED):
            if self.cancelled():
                future.cancel()
                raise CommandError("the job was cancelled", Exit.JOB_FAILED)
        if future.status != "finished":
            if self.client.status != "running":
                raise CommandError("the Dask scheduler is gone", Exit.UNREACHABLE)
            error = future.exception() if future.status == "error" else "it was cancelled"
            raise CommandError(f"the cluster could not run the job: {error}", Exit.JOB_FAILED)
        outcome = future.result()
        if isinstance(outcome, tuple):
            raise CommandError(*outcome)
        result: Result = outcome
        self.notes += result.notes
        return result


def run_job(action: str, parameters: dict[str, Value], inputs: dict[str, Raster]) -> Result | tuple[str, Exit]:
    """On a worker: what a job comes to, or the message and the exit code of its failure."""
    try:
        result = _runner().run(action, parameters, inputs, lambda fraction, message: None)
    except CommandError as error:
        return str(error), error.code
    outputs = tuple(replace(output, raster=_as_bytes(output.raster)) for output in result.outputs)
    return replace(result, outputs=outputs)


@cache
def _runner() -> InProcess:
    """Of this worker's process: its networks stay loaded."""
    return InProcess()


def _as_bytes(raster: Raster) -> Raster:
    """The raster with its pixels as bytes, which travel where a view of memory does not."""
    return replace(raster, data=bytes(raster.data))
