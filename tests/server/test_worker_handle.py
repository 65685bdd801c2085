"""How the broker starts and ends worker processes: without a window, and without waiting for one that does not go."""

from __future__ import annotations

import io
import subprocess
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
    worker.process, worker.state = process, WorkerState.BUSY  # type: ignore[assignment]  # a stand-in
    worker.kill()
    assert process.killed
    assert worker.state is WorkerState.STOPPED
    assert worker._ending == [process]
    process.gone = True
    worker.reap()
    assert worker._ending == []


def test_on_windows_a_worker_opens_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Started:
        stdin = io.BytesIO()

        def __init__(self, words: list[str], **settings: int) -> None:
            started.append(settings["creationflags"])

    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Started)
    sockets = SimpleNamespace(for_worker=lambda number: (None, "tcp://127.0.0.1:5"), keys=None)
    Worker(0, "cpu", Options(Path()), sockets, "").start()
    assert started == [0x08000000]
