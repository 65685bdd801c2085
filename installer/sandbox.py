"""Editors in a sandbox (Flatpak, Snap): the user's systemd starts the backend for them when they ask for it.

A sandbox can neither run the programs of the machine nor reach $XDG_RUNTIME_DIR. The one folder that both sides may
write to without any permission is the app's own, so the backend's sockets are put there. Nothing has to be allowed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from plugin.client.server.sandbox import FILE, REQUEST

from .console import Console, clean_environment
from .machine import Machine
from .programs import Editor
from .steps import write_whole

APPS = {
    ("krita", "flatpak"): ("org.kde.krita", ".var/app/org.kde.krita/data"),
    ("gimp", "flatpak"): ("org.gimp.GIMP", ".var/app/org.gimp.GIMP/data"),
    ("krita", "snap"): ("snap-krita", "snap/krita/common"),
    ("gimp", "snap"): ("snap-gimp", "snap/gimp/common"),
}
"""The part of the unit's name, and the app's own folder below the home."""

_SERVICE = """[Unit]
Description=Inlay's backend for {name}

[Service]
ExecStart="{python}" -m backend serve --run-dir "{run_dir}"
WorkingDirectory={path}
Environment="INLAY_DATA_DIR={data}"
StandardOutput=append:{data}/backend.log
StandardError=inherit
"""
_PATH = """[Unit]
Description=Starts Inlay's backend when {name} asks for it

[Path]
PathModified={run_dir}/{request}

[Install]
WantedBy=default.target
"""


def install(machine: Machine, editor: Editor, python: Path, packages: Path, console: Console) -> None:
    """Let the sandboxed `editor` have a backend: tell the plug-in where, and the user's systemd what to start."""
    app, own = APPS[editor.kind, editor.sandbox]
    run_dir, unit = machine.home / own / "inlay", f"inlay-{app}"
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (run_dir / REQUEST).touch()
    told = {"run_dir": str(run_dir), "data": str(machine.data), "unit": f"{unit}.path"}
    write_whole(editor.folder / FILE.name, json.dumps(told, indent=1))
    values = {
        "name": editor.name, "python": _escaped(python), "path": _escaped(packages), "data": _escaped(machine.data),
        "run_dir": _escaped(run_dir), "request": REQUEST,
    }  # fmt: skip
    units = units_folder(machine)
    write_whole(units / f"{unit}.service", _SERVICE.format(**values))
    write_whole(units / f"{unit}.path", _PATH.format(**values))
    if not (_systemctl("daemon-reload") and _systemctl("enable", "--now", f"{unit}.path")):
        command = f"{python} -m backend serve --run-dir {run_dir}"
        console.say(
            f"  {editor.name} runs in a sandbox, and there is no systemd to start the backend for it. Run this before "
            f"you use Inlay there, or have your session run it: cd {packages} && {command}"
        )


def remove(machine: Machine, console: Console) -> None:
    """Take away what `install` left outside of the plug-in's folder."""
    for app, own in APPS.values():
        units = [units_folder(machine) / f"inlay-{app}{suffix}" for suffix in (".path", ".service")]
        if not any(unit.exists() for unit in units):
            continue
        console.step(f"remove the user services inlay-{app}")
        if console.dry:
            continue
        _systemctl("disable", "--now", *(unit.name for unit in units))
        for unit in units:
            unit.unlink(missing_ok=True)
        shutil.rmtree(machine.home / own / "inlay", ignore_errors=True)
        _systemctl("daemon-reload")


def units_folder(machine: Machine) -> Path:
    """Where the user's own units are."""
    return machine.config_home / "systemd/user"


def _escaped(path: Path) -> str:
    """A path as units write it."""
    return str(path).replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')


def _systemctl(*words: str) -> bool:
    if shutil.which("systemctl") is None or not os.environ.get("XDG_RUNTIME_DIR"):
        return False
    command = ["systemctl", "--user", *words]
    try:
        done = subprocess.run(command, env=clean_environment(), capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
