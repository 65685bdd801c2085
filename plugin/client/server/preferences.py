"""What the user wants of the backend whichever program starts it: a file in the data folder, read at its start."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, fields

from .launcher import LaunchError, data_directory

FILE = "preferences.json"
DEVICES = (
    ("auto", "Automatic"), ("cpu", "Processor (CPU)"), ("cuda", "NVIDIA or AMD graphics (CUDA, ROCm)"),
    ("xpu", "Intel graphics (XPU)"), ("mps", "Apple graphics (Metal)"),
)  # fmt: skip
"""What can be chosen, with labels; another one, cuda:1 say, can be typed."""
DEVICE_HELP = "Where the networks compute. A device can also be typed: cuda:1."
MEMORY_HELP = "How much memory one job may need; 0 stands for what is free."
IDLE_HELP = "The backend ends when no program has used it for so long; 0 leaves the choice to it."


@dataclass(frozen=True, slots=True)
class Preferences:
    """Zero and "auto" leave the choice to the backend."""

    device: str = "auto"  # "cpu", "cuda:0", "mps", ...
    memory: float = 0.0  # GiB that one job may need
    idle: int = 0  # minutes without clients after which the backend ends

    @property
    def device_label(self) -> str:
        """The device as it is shown."""
        return dict(DEVICES).get(self.device, self.device)

    def arguments(self) -> list[str]:
        """Options of `inlay serve`."""
        found = ["--device", self.device] if self.device not in ("", "auto") else []
        if self.memory > 0:
            found += ["--memory", f"{self.memory:g}"]
        if self.idle > 0:
            found += ["--idle", str(60 * self.idle)]
        return found


def device_named(typed: str) -> str:
    """The device that somebody has chosen by its label, or typed."""
    return next((value for value, label in DEVICES if label == typed.strip()), typed.strip())


def load() -> Preferences:
    """The preferences; the defaults where there are none or they cannot be read."""
    try:
        entry = json.loads((data_directory() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, LaunchError):
        return Preferences()
    types = {f.name: type(f.default) for f in fields(Preferences)}
    known = entry.items() if isinstance(entry, dict) else ()
    return Preferences(**{name: value for name, value in known if type(value) is types.get(name)})  # type: ignore[arg-type]  # just checked


def save(preferences: Preferences) -> None:
    """Keep the preferences for the backend's next start. Raises OSError, or LaunchError without a home."""
    path = data_directory() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(asdict(preferences)), encoding="utf-8")
        new.replace(path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
