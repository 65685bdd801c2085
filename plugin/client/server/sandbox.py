"""An editor in a sandbox (Flatpak, Snap) cannot start the programs of the machine: the user's service manager does.

The installer leaves `sandbox.json` beside the plug-in. It names a folder that belongs to the app, in which the
backend's sockets are then; a file written there is what the service manager starts the backend for.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[3] / "sandbox.json"
REQUEST = "start.request"
"""In the run directory: written to by a client that wants a backend."""

_FLATPAK = Path("/.flatpak-info")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the installer left for a sandboxed editor: the run directory, the data folder, the unit that starts it."""

    run_dir: Path
    data: Path
    unit: str

    def request_start(self) -> None:
        """Ask for a backend. Raises OSError."""
        (self.run_dir / REQUEST).write_text(f"{os.getpid()}\n", encoding="utf-8")


def current() -> Sandbox | None:
    """The sandbox this process is in, None where there is none or the installer has not prepared it."""
    if not (_FLATPAK.exists() or os.environ.get("SNAP")):
        return None
    try:
        entry = json.loads(FILE.read_text(encoding="utf-8"))
        return Sandbox(Path(entry["run_dir"]), Path(entry["data"]), str(entry["unit"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
