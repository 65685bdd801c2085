"""A recipe over many files: what is done is passed over, what fails is tried again, a stop leaves whole files."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plugin.client.actions import Value
from plugin.client.image import Raster
from plugin.client.messages import Result

from ..cli import CommandError, Exit, batch
from ..cli.progress import Report
from ..cli.runner import Runner
from ..cli.wording import plain
from ..io import image_files
from ..io.safe_write import check_target
from .manifest import DONE, FAILED, Entry, Manifest
from .recipe import Recipe, file_digest
from .steps import apply
from .thumbnails import thumbnail

READERS = 2  # files in work for each job in flight: while one is computed, another is read or written
TRANSIENT = (Exit.JOB_FAILED,)
"""Failures that may not come again: a worker that died, memory that was short. What is wrong with a file stays."""

Found = tuple[Entry, bool]
"""What became of a file, and whether that was so before."""


@dataclass(slots=True)
class Batch:
    """A recipe, and the files it is applied to.

    Attributes:
        recipe: checked.
        folder: for the results.
        plan: the tasks, and what must be kept.
        retries: how often a file is tried again after a failure that may not come again.
    """

    recipe: Recipe
    folder: Path
    plan: batch.Plan
    retries: int = 1
    digest: str = ""

    def __post_init__(self) -> None:
        self.digest = self.digest or self.recipe.digest()

    def unfinished(self, manifest: Manifest, told: Callable[[Found], None]) -> list[batch.Task]:
        """The tasks that there is something to do for; the others are told of."""
        left = []
        for task in self.plan.tasks:
            entry = manifest.finished(self._output(task), self.digest)
            if entry is not None and _digest(task) == entry.digest:
                told((entry, True))
            else:
                left.append(task)
        return left

    def run(
        self,
        tasks: Sequence[batch.Task],
        manifest: Manifest,
        runners: Sequence[Runner],
        stop: threading.Event,
        told: Callable[[Found], None],
    ) -> None:
        """Do every task; each is written down in the manifest and told of on this thread when it has ended.

        Args:
            tasks: of the plan.
            manifest: of the folder.
            runners: how many jobs there are in flight at most; they end when `stop` is set.
            stop: set by this method when it is interrupted; then it raises what interrupted it.
            told: called for each task.

        Raises:
            CommandError: the backend is unreachable, or the manifest cannot be written.
        """
        free: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for runner in runners:
            free.put(runner)
        with ThreadPoolExecutor(READERS * len(runners)) as pool:
            waiting: set[Future[Entry | None]] = set()
            try:
                waiting |= {pool.submit(self._one, task, manifest, free, stop) for task in tasks}
                for future in as_completed(set(waiting)):
                    waiting.remove(future)
                    if (entry := future.result()) is not None:
                        told((entry, False))
            except BaseException:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                for future in waiting:  # what ended meanwhile
                    if not future.cancelled() and future.exception() is None and (entry := future.result()):
                        told((entry, False))
                raise

    def _one(
        self, task: batch.Task, manifest: Manifest, free: queue.SimpleQueue[Runner], stop: threading.Event
    ) -> Entry | None:
        """What becomes of a file; None when it was stopped. Raises CommandError for what concerns all files."""
        if stop.is_set():
            return None
        begun, attempts = time.monotonic(), 0
        digest = _digest(task)
        while True:
            attempts += 1
            attempt = _Attempt()
            try:
                self._work(task, Shared(free, attempt.notes), attempt)
            except CommandError as error:
                if stop.is_set():
                    return None
                if error.code == Exit.UNREACHABLE:
                    raise
                if error.code in TRANSIENT and attempts <= self.retries:
                    continue
                attempt.code, attempt.message = int(error.code), str(error)
            break
        entry = Entry(
            str(task.source), self._output(task), digest, self.digest, FAILED if attempt.code else DONE, attempts,
            round(time.monotonic() - begun, 3), attempt.code, attempt.message, attempt.notes, *attempt.size,
            attempt.thumbnail,
        )  # fmt: skip
        manifest.add(entry)
        return entry

    def _output(self, task: batch.Task) -> str:
        return task.output.relative_to(self.folder).as_posix()

    def _work(self, task: batch.Task, running: Runner, attempt: _Attempt) -> None:
        check_target(task.output, self.plan.inputs, self.plan.overwrite)
        file = image_files.load(task.source)
        attempt.notes += file.notes
        if not self.plan.opaque:
            image_files.check_transparency(task.output, file.raster)
        result = apply(self.recipe, file.raster, running, _silent)
        attempt.notes += image_files.write(
            task.output, result, file.metadata, inputs=self.plan.inputs, overwrite=self.plan.overwrite
        )
        attempt.size = result.width, result.height
        attempt.thumbnail = thumbnail(file.raster, result)


def _digest(task: batch.Task) -> str:
    """Of the file's content; empty where it cannot be read, which reading the image says better."""
    try:
        return file_digest(task.source)
    except CommandError:
        return ""


@dataclass(slots=True)
class _Attempt:
    code: int = 0
    message: str = ""
    notes: list[str] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    thumbnail: str = ""


class Shared:
    """The runner of one file: takes for each job one of the runners that are free, and waits until there is one."""

    def __init__(self, free: queue.SimpleQueue[Runner], notes: list[str]) -> None:
        self.free, self.notes = free, notes

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        """See Runner."""
        with self._taken() as runner:
            runner.notes.clear()
            result = runner.run(action, parameters, inputs, report)
            self.notes += [plain(note) for note in runner.notes]
        return result

    @contextmanager
    def _taken(self) -> Iterator[Runner]:
        runner = self.free.get()
        try:
            yield runner
        finally:
            self.free.put(runner)


def _silent(fraction: float, message: str) -> None:
    """Of many files at once the progress of one says little."""
