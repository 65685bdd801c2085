"""The window of models as both editors show it: a table's columns, its buttons, and the command behind each of them.

All is done by `inlay models` in a process of its own, with the backend's Python: the editor never waits, and a download
that is stopped goes on the next time.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .messages import ErrorCode, Failure
from .server import sandbox
from .server.launcher import Installation, LaunchError, backend_environment, find_installation

if TYPE_CHECKING:
    import subprocess

TITLE = "Inlay Models"
INTRODUCTION = (
    "The networks that come with Inlay do without a download. Others can be fetched or imported here; the best one "
    "that is here is used. What is known of its training data is said below: read it before you fetch a network."
)
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Model:
    """A network, as `inlay models list --json` says it."""

    name: str
    role: str
    used_by: str
    size: int  # bytes
    license: str
    terms: str
    limits: str
    state: str  # bundled, here, not here
    used: bool
    set: str  # what the role's network is set to: auto, bundled, or a name
    recommended: bool
    source: str  # where its file is to be had; empty for those that can be fetched

    @property
    def here(self) -> bool:
        return self.state != "not here"


COLUMNS: tuple[tuple[str, Callable[[Model], str]], ...] = (
    ("Network", lambda m: m.name),
    ("For", lambda m: m.role),
    ("MiB", lambda m: f"{m.size / MIB:.1f}"),
    ("State", lambda m: "used" if m.used else m.state),
    ("License of the weights", lambda m: m.license),
    ("Recommended", lambda m: "yes" if m.recommended else ""),
)
"""The titles of the table, and what is in each row."""


@dataclass(frozen=True, slots=True)
class Button:
    """What can be done with the chosen network: its label, when, and the words after `inlay models`."""

    label: str
    enabled: Callable[[Model], bool]
    words: Callable[[Model], list[str]]


BUTTONS = (
    Button("Fetch", lambda m: not m.here and not m.source, lambda m: ["fetch", m.name]),
    Button("Remove", lambda m: m.state == "here", lambda m: ["remove", m.name]),
    Button("Always Use", lambda m: m.here and m.set not in (m.name, m.state), lambda m: ["use", m.role, _setting(m)]),
    Button("Choose Automatically", lambda m: m.set != "auto", lambda m: ["use", m.role, "auto"]),
)
"""In their order; beside them are Import File and, while something runs, Pause and Cancel."""


def _setting(model: Model) -> str:
    return "bundled" if model.state == "bundled" else model.name


def details(model: Model) -> str:
    """What is said below the table of the chosen network."""
    lines = [f"{model.name} is for: {model.used_by}.", f"License of the weights: {model.license}."]
    lines.append(f"Training data: {model.terms or 'no terms that are in doubt'}.")
    lines.append(f"Limits: {model.limits}")
    if model.source:
        lines.append(f"It cannot be fetched, only imported: {model.source}.")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Step:
    """What a running command tells: how far it is, 0 to 1 (-1: not known), or that it has ended, and how."""

    fraction: float = -1.0
    ended: bool = False
    failure: str = ""


class ModelsCommand:
    """One `inlay models ...` that runs. `steps` is to be asked now and then; nothing here waits."""

    def __init__(self, words: Sequence[str], installation: Installation | None = None) -> None:
        """Starts it, with the backend of the installation or the one that the installer recorded.

        Raises LaunchError where there is none, or none that this editor may start.
        """
        self._lines: list[str] = []
        self._printed: queue.Queue[str | None] = queue.Queue()
        self._process = _start([*words, "--json"], installation or find_installation())
        self._stopped = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # it is piped
        for line in self._process.stdout:
            self._printed.put(line)
        self._printed.put(None)

    def steps(self) -> list[Step]:
        """What has happened since the last time; the last one of all has `ended`."""
        found = []
        while not self._printed.empty():
            line = self._printed.get()
            if line is None:
                found.append(self._end())
            elif (step := self._step(line)) is not None:
                found.append(step)
        return found

    def models(self) -> list[Model]:
        """The networks, after a `list` has ended."""
        known = {entry.name for entry in fields(Model)}
        rows = (_parsed(line) for line in self._lines)
        return [Model(**{k: v for k, v in row.items() if k in known}) for row in rows if "role" in row]

    def stop(self) -> None:
        """End it; what was fetched so far stays for the next time."""
        self._stopped = True
        self._process.terminate()

    def _step(self, line: str) -> Step | None:
        row = _parsed(line)
        if "received" in row:
            return Step(row["received"] / max(1, row["size"]))
        self._lines.append(line)
        return None

    def _end(self) -> Step:
        code = self._process.wait()
        assert self._process.stderr is not None  # it is piped
        with self._process.stderr as stream:
            errors = stream.read().strip()
        if self._process.stdout is not None:
            self._process.stdout.close()
        if code == 0 or self._stopped:
            return Step(ended=True)
        return Step(ended=True, failure=errors.rpartition("inlay models: ")[2] or f"it ended with code {code}")


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _start(words: Sequence[str], installation: Installation) -> subprocess.Popen[str]:
    import subprocess  # costs time that the start of an editor need not have

    if sandbox.current() is not None:
        raise LaunchError(
            Failure(
                ErrorCode.UNREACHABLE,
                "This editor runs in a sandbox, from which models cannot be managed.",
                "Use the command line: inlay models list",
            )
        )
    hidden: dict[str, Any] = {"creationflags": 0x08000000} if sys.platform == "win32" else {}  # no console window
    return subprocess.Popen(
        [str(installation.python), "-u", "-m", "backend", "models", *words], cwd=installation.path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env=backend_environment(), **hidden,
    )  # fmt: skip
