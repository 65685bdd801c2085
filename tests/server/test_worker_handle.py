"""A worker process that does not go: the broker does not wait for it."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.server.options import Options
from backend.server.worker_handle import Worker, WorkerState


class Stuck:
    """A process in a driver's hands: killed, and there for as long as the driver likes."""

    def __init__(self) -> None:
        self.stdin, self.killed, self.gone = io.BytesIO(), False, False

    def kill(self) -> None:
        self.killed = True

    def poll(self) -> int | None:
        return -9 if self.gone else None

    def wait(self, timeout: float | None = None) -> int:
        pytest.fail("the broker waited for a process")


def test_a_killed_process_is_not_waited_for_but_reaped_when_it_has_ended() -> None:
    worker, process = Worker(0, "cpu", Options(Path()), SimpleNamespace(), ""), Stuck()
    worker.process, worker.state = process, WorkerState.BUSY  # type: ignore[assignment]
    worker.kill()
    assert process.killed
    assert worker.state is WorkerState.STOPPED
    assert worker._ending == [process]
    process.gone = True
    worker.reap()
    assert worker._ending == []
