"""What the user has set, kept in Krita's own configuration (kritarc): the backend, and each action's last values."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from krita import Krita

from ..client.actions import Action, Parameter, Value
from ..client.server.launcher import Installation

_GROUP = "inlay"


@dataclass(frozen=True, slots=True)
class Settings:
    """Empty paths mean: the backend that the installer set up."""

    python: str = ""  # the backend's Python
    folder: str = ""  # the folder that holds the package `backend`
    transport: str = "auto"  # "auto", "pyzmq" or "pure"
    keep_running: bool = True  # leave the backend running when Krita ends; it ends itself when it is idle

    def installation(self) -> Installation | None:
        """The backend to start, None for the installed one."""
        return Installation(Path(self.python), Path(self.folder)) if self.python and self.folder else None


def load() -> Settings:
    """The settings, defaults where there are none or they cannot be read."""
    entry = _read("settings")
    types = {f.name: type(f.default) for f in fields(Settings)}
    return Settings(**{name: value for name, value in entry.items() if type(value) is types.get(name)})  # type: ignore[arg-type]  # just checked


def save(settings: Settings) -> None:
    """Keep the settings for this session and the next."""
    _write("settings", asdict(settings))


def last_values(action: Action) -> dict[str, Value]:
    """The values that were kept for the action, where they still fit; defaults for the rest."""
    kept: dict[str, object] = {}
    for name in (*action.aliases, action.name):
        kept |= _read(name)
    return {parameter.name: _fitting(parameter, kept) for parameter in action.parameters}


def keep_values(action: Action, values: dict[str, Value]) -> None:
    """Remember the values for the next time."""
    _write(action.name, dict(values))


def diagnosing() -> bool:
    """Whether the hidden actions are in the menu: INLAY_DIAGNOSE=1."""
    return os.environ.get("INLAY_DIAGNOSE", "") not in ("", "0")


def _fitting(parameter: Parameter, kept: dict[str, object]) -> Value:
    name = next((name for name in (parameter.name, *parameter.aliases) if name in kept), parameter.name)
    try:
        return parameter.check(kept.get(name))
    except ValueError:
        return parameter.default


def _read(name: str) -> dict[str, object]:
    try:
        entry = json.loads(Krita.instance().readSetting(_GROUP, name, "{}"))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _write(name: str, entry: dict[str, object]) -> None:
    Krita.instance().writeSetting(_GROUP, name, json.dumps(entry))
