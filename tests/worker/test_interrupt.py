"""Operations that do not look for a cancel are interrupted, but for what must not be left half done."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backend.imaging import Cancelled
from backend.worker.interrupt import Interrupter


@pytest.fixture
def interrupter() -> Interrupter:
    return Interrupter()


def cancel_in(seconds: float) -> threading.Event:
    """An event that is set a little later."""
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    return stop


def test_work_that_never_looks_is_ended(interrupter: Interrupter) -> None:
    with pytest.raises(Cancelled), interrupter.interruptible(cancel_in(0.05)):
        while True:
            sum(range(100))


def test_waiting_for_another_thread_is_ended_too(interrupter: Interrupter) -> None:
    with pytest.raises(Cancelled), interrupter.interruptible(cancel_in(0.05)):
        threading.Event().wait()


def test_what_somebody_swallowed_is_raised_again(interrupter: Interrupter) -> None:
    swallowed = 0
    with pytest.raises(Cancelled), interrupter.interruptible(cancel_in(0.05)):
        try:
            while True:
                time.sleep(0.001)
        except Cancelled:
            swallowed += 1
        while True:
            time.sleep(0.001)
    assert swallowed == 1


def test_nothing_is_raised_outside_of_an_operation_or_while_it_is_held(interrupter: Interrupter) -> None:
    stop, done = cancel_in(0.0), []
    with contextlib.suppress(Cancelled), interrupter.interruptible(stop):
        with interrupter.held():
            time.sleep(0.3)
            done.append("held")
        time.sleep(5)
        done.append("never")
    time.sleep(0.5)
    assert done == ["held"]


def test_a_module_is_imported_whole(interrupter: Interrupter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\nready = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with contextlib.suppress(Cancelled), interrupter.interruptible(cancel_in(0.05)):
        importlib.import_module("slow_to_import")
        time.sleep(5)
    assert sys.modules["slow_to_import"].ready


def test_a_process_that_torch_was_left_unsettled_in_is_ended() -> None:
    code = """
import torch
from backend.worker.interrupt import leave_if_unsettled
leave_if_unsettled()
mode = torch.inference_mode()
mode.__enter__()
leave_if_unsettled()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 4
