"""How much memory there is and who holds it, without third-party packages."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that new work may take without pushing others out (macOS does not say: half of what is built in)."""
    if sys.platform == "win32":
        return _windows_available()
    if sys.platform == "darwin":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    free = _proc_field(Path("/proc/meminfo"), "MemAvailable")
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        reclaimable = _proc_field(CGROUP / "memory.stat", "inactive_file", unit=1)
    except (OSError, ValueError):  # no limit set, or no version 2 control groups
        return free
    return min(free, max(0, limit - used + reclaimable))


def held(pid: int) -> int:
    """Bytes of memory that a process holds, 0 when it has ended."""
    if sys.platform == "linux":
        return _proc_field(Path(f"/proc/{pid}/status"), "VmRSS")
    if sys.platform == "win32":
        return _windows_held(pid)
    listing = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(listing.stdout.strip() or 0) * 1024


def _proc_field(path: Path, name: str, unit: int = 1024) -> int:
    """The number behind `name` in a kernel table of names and numbers, in bytes; 0 where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    for line in lines:
        words = line.split()
        if words and words[0].rstrip(":") == name:
            return int(words[1]) * unit
    return 0


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total_physical", ctypes.c_ulonglong),
        ("available_physical", ctypes.c_ulonglong),
        ("total_page_file", ctypes.c_ulonglong),
        ("available_page_file", ctypes.c_ulonglong),
        ("total_virtual", ctypes.c_ulonglong),
        ("available_virtual", ctypes.c_ulonglong),
        ("available_extended_virtual", ctypes.c_ulonglong),
    )


class _ProcessMemory(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("page_faults", ctypes.c_ulong),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("quota", ctypes.c_size_t * 4),
        ("page_file", ctypes.c_size_t),
        ("peak_page_file", ctypes.c_size_t),
    )


def _windows_available() -> int:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    getattr(ctypes, "windll").kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # noqa: B009 - absent elsewhere
    return int(status.available_physical)


def _windows_held(pid: int) -> int:
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent elsewhere
    kernel32.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel32.OpenProcess(0x1000, False, pid))  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle.value:
        return 0
    counters = _ProcessMemory(length=ctypes.sizeof(_ProcessMemory))
    kernel32.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.length)
    kernel32.CloseHandle(handle)
    return int(counters.working_set)
