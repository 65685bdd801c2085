"""The machine that is installed on, as a value: tests make fake ones for all three systems."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plugin.client.server.launcher import usual_data_directory

SOURCE = Path(__file__).resolve().parent.parent
"""The folder that holds `plugin`, `backend`, `models` and this package."""


def _no_registry(key: str, value: str) -> str:
    return ""


@dataclass(frozen=True)
class Machine:
    """A system, a home and an environment. `root` stands for / or for drive C, for tests."""

    system: str  # sys.platform: "linux", "darwin", "win32"
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")
    processor: str = "x86_64"
    registry: Callable[[str, str], str] = _no_registry  # (key below HKLM or HKCU, value) -> text, "" when absent

    @classmethod
    def this(cls) -> Machine:
        """The machine this runs on."""
        system = sys.platform if sys.platform in ("darwin", "win32") else "linux"
        root = Path(os.environ.get("SYSTEMDRIVE", "C:") + "\\") if system == "win32" else Path("/")
        registry = read_registry if system == "win32" else _no_registry
        return cls(system, Path.home(), dict(os.environ), root, platform.machine().lower(), registry)

    @property
    def data(self) -> Path:
        """Where Inlay lives, and where the plug-in looks for it."""
        return usual_data_directory(self.system, self.home, self.environ)

    @property
    def appdata(self) -> Path:
        """Windows: the roaming profile."""
        return Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming")

    @property
    def local_appdata(self) -> Path:
        """Windows: the profile that stays on this machine."""
        return Path(self.environ.get("LOCALAPPDATA") or self.home / "AppData" / "Local")

    @property
    def config_home(self) -> Path:
        """Linux: XDG_CONFIG_HOME."""
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    @property
    def data_home(self) -> Path:
        """Linux: XDG_DATA_HOME."""
        return Path(self.environ.get("XDG_DATA_HOME") or self.home / ".local" / "share")

    @property
    def program_folders(self) -> list[Path]:
        """Windows: where programs are installed."""
        named = [self.environ.get(name) for name in ("ProgramW6432", "ProgramFiles", "ProgramFiles(x86)")]
        folders = [Path(name) for name in named if name] or [self.root / "Program Files"]
        return list(dict.fromkeys([*folders, self.local_appdata / "Programs"]))

    @property
    def appimage_folders(self) -> list[Path]:
        """Linux: where users keep AppImages."""
        names = ("Applications", "AppImages", "Downloads", "Desktop", "bin", ".local/bin")
        return [*(self.home / name for name in names), self.root / "opt"]


def read_registry(key: str, value: str) -> str:
    """Windows: a text below HKEY_CURRENT_USER, else HKEY_LOCAL_MACHINE; empty when there is none."""
    if sys.platform != "win32":
        return ""
    import winreg

    for hive in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
        with contextlib.suppress(OSError), winreg.OpenKey(hive, key) as opened:
            return str(winreg.QueryValueEx(opened, value)[0])
    return ""
