"""Ending what runs, and taking Inlay away: what the record says was installed, and nothing else."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from plugin.client.net.connection import Connection, State
from plugin.client.server.endpoint import CONNECTION_FILE, EndpointError, read_endpoint, run_directory
from plugin.client.server.launcher import is_locked

from . import gimps, plugin, processes, sandbox
from .console import Console, InstallError
from .machine import Machine
from .programs import Editor
from .steps import write_whole

RECORD = "install.json"
OWN = ("venv", "staging", "steps.json", RECORD, "install.log", "install.log.1", "backend.log", "backend.log.1")
"""What the installer and the backend put into the data folder, beside the markers of steps."""

USERS = ("models", "styles")
"""What the user has fetched and trained; it stays unless --purge says otherwise."""

MARKERS = "*.incomplete"
LOCK = "lock"
"""In the folder of a training: held by the process that trains, whose number it contains."""

RUN_FILES = (CONNECTION_FILE, "start.lock", "backend.lock", "work", "control")
PATIENCE = 20.0


def read_record(machine: Machine) -> dict[str, Any]:
    """What was installed; empty when there is no record of it."""
    try:
        entry = json.loads((machine.data / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entry if isinstance(entry, dict) else {}


def is_ours(data: Path) -> bool:
    """Whether the installer has worked in the folder."""
    return (data / RECORD).is_file() or (data / "steps.json").is_file() or any(data.glob(MARKERS))


def uninstall(machine: Machine, console: Console, purge: bool = False) -> None:
    """Take away what `Installation` put anywhere; the user's models and styles only with `purge`.

    Raises InstallError when a backend or a training does not end.
    """
    data = machine.data
    if not is_ours(data):
        console.say(f"Inlay is not installed in {data}; nothing was removed. INLAY_DATA_DIR names another folder.")
        return
    if not console.dry:
        end_trainings(data, console)
        stop_backend(console)
        _remove_run_files()
    record = read_record(machine)
    for editor in recorded_editors(record):
        if console.dry:
            if plugin.installed(editor):
                console.step(f"remove the plug-in from {editor.name}")
        elif plugin.uninstall(editor):
            console.say(f"removed the plug-in from {editor.name}")
    sandbox.remove(machine, console)
    _remove_link(machine, console)
    names = [*OWN, *(path.name for path in data.glob(MARKERS)), *(USERS if purge else ())]
    for path in (data / name for name in names):
        if path.is_symlink() or path.exists():
            console.step(f"remove {path}")
            if not console.dry:
                _remove(path)
    if not console.dry:
        with contextlib.suppress(OSError):  # it holds something of the user's
            data.rmdir()
    if left := [name for name in USERS if (data / name).exists() and not console.dry]:
        console.say(f"Kept in {data}: {' and '.join(left)}. --uninstall --purge removes them, too.")


def remove_plugins(machine: Machine, console: Console) -> None:
    """Take the plug-in out of the editors that the record names, and them out of the record; all else stays."""
    record = read_record(machine)
    for editor in recorded_editors(record):
        if plugin.uninstall(editor):
            console.say(f"removed the plug-in from {editor.name}")
    sandbox.remove(machine, console)
    if record:
        write_whole(machine.data / RECORD, json.dumps({**record, "editors": []}, indent=1))


def recorded_editors(record: dict[str, Any]) -> list[Editor]:
    """The editors that the plug-in was put into, and the profiles that newer GIMPs have copied from theirs."""
    found: dict[Path, Editor] = {}
    for entry in record.get("editors", ()):
        try:
            config = Path(entry["config"]) if entry.get("config") else None
            editor = Editor(entry["kind"], entry["name"], Path(entry["plugins"]), config)
        except (KeyError, TypeError):
            continue
        found[editor.folder] = editor
        if editor.kind == "gimp":
            for profile in gimps.profiles(editor.plugins.parent.parent):
                copy = Editor("gimp", f"GIMP {profile.name}", profile / "plug-ins")
                found.setdefault(copy.folder, copy)
    return list(found.values())


def stop_backend(console: Console | None = None, wait: float = PATIENCE) -> None:
    """End the backend that may be running and wait until it has ended; one that is not there is as good.

    Raises InstallError when it does not end.
    """
    pid = _backend_pid()
    with Connection("installer", start=False) as connection:
        end = time.monotonic() + min(wait, 5.0)
        while connection.state is State.STARTING and time.monotonic() < end:
            time.sleep(0.05)
        if connection.state is State.READY:
            connection.shutdown()
            while connection.state is State.READY and time.monotonic() < end:
                time.sleep(0.05)
            if pid and not processes.wait_for_end(pid, wait):
                processes.terminate(pid)
                if not processes.wait_for_end(pid, 5.0):
                    raise InstallError(f"The backend (process {pid}) does not end. End it, then run this again.")
            if console is not None:
                console.say("stopped the backend that was running")


def end_trainings(data: Path, console: Console, wait: float = PATIENCE) -> None:
    """Pause the trainings that run; nothing of them is lost. Raises InstallError when one does not stop."""
    for folder in sorted((data / "styles").glob("*.run")):
        if not is_locked(folder / LOCK):
            continue
        console.say(f"pausing the training of {folder.stem}")
        (folder / "pause").touch()
        end = time.monotonic() + wait
        while is_locked(folder / LOCK):
            if time.monotonic() > end:
                raise InstallError(
                    f"The training of {folder.stem} is still at its step. Run this again in a while, or end it with "
                    f"inlay train-style --name {folder.stem} --pause"
                )
            time.sleep(0.1)


def _backend_pid() -> int:
    try:
        return read_endpoint(run_directory() / CONNECTION_FILE).pid
    except (OSError, EndpointError):
        return 0


def _remove_run_files() -> None:
    """The sockets, the connection file and the lock of a backend that has ended, and their folder."""
    with contextlib.suppress(OSError, EndpointError):
        folder = run_directory()
        for name in RUN_FILES:
            with contextlib.suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _remove_link(machine: Machine, console: Console) -> None:
    link = machine.home / ".local/bin/inlay"
    if link.is_symlink() and link.readlink().is_relative_to(machine.data):
        console.step(f"remove {link}")
        if not console.dry:
            link.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
