"""How much memory there is and who holds it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that new work may take without pushing others out: of the machine, or of the control group it runs in."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):  # no limit set, or no version 2 control groups
        return free
    reclaimable = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    return min(free, max(0, limit - used + reclaimable))


def held(pid: int) -> int:
    """Bytes of memory that a process holds, 0 when it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return 0


def give_back() -> None:
    """Give the system the free memory that the C library of this process keeps for later."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)
