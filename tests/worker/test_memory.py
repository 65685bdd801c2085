"""Memory figures are those of the machine and the process."""

from __future__ import annotations

import os
import subprocess
import sys

from backend.memory import available, held

MIB = 1 << 20


def test_available_is_some_of_what_is_built_in() -> None:
    assert 64 * MIB < available() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_held_grows_with_what_a_process_takes() -> None:
    before = held(os.getpid())
    block = b"x" * (64 * MIB)
    assert held(os.getpid()) - before > 48 * MIB
    assert len(block) == 64 * MIB


def test_process_that_has_ended_holds_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert held(process.pid) == 0
